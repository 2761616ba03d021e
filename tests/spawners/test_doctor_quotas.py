"""The doctor at a site whose courses have GPU-hours: its Slurm counts them, or what is missing."""

import re
import subprocess

import pytest

from tests.spawners.private_slurm import accounted_cluster, slurm
from tests.spawners.test_doctor_sites import Visited

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def accounted(slurm_installation, tmp_path_factory):
    """A cluster with accounting, for all tests of this file."""
    folder = tmp_path_factory.mktemp("accounted")
    with accounted_cluster(slurm_installation, folder) as cluster:
        yield cluster


@pytest.fixture
def visited(accounted, tmp_path, monkeypatch) -> Visited:
    """An installation with a course that has GPU-hours there."""
    monkeypatch.setenv("MINGA_STATE", str(tmp_path / "state"))
    visited = Visited(tmp_path, accounted)
    own = {"account": "ia", "gpu_hours": 100}
    visited.data["courses"]["ai-foundations"]["slurm"] = {"chile": own}
    return visited


@pytest.fixture
def changed(accounted):
    """Return a function that changes a line of slurm.conf; as it was at the end."""
    file = accounted.folder / "etc" / "slurm.conf"
    before = file.read_text()

    def change(key: str, line: str) -> None:
        file.write_text(re.sub(rf"^{key}=.*$", line, file.read_text(), flags=re.MULTILINE))
        slurm(accounted, "scontrol", "reconfigure")

    yield change
    file.write_text(before)
    slurm(accounted, "scontrol", "reconfigure")


KEY = "courses.ai-foundations.slurm.chile.gpu_hours"


def test_a_site_that_counts_is_whole(visited):
    assert visited.found() == []


def test_a_site_without_accounting_counts_nothing(clusters, tmp_path, monkeypatch):
    monkeypatch.setenv("MINGA_STATE", str(tmp_path / "state"))
    visited = Visited(tmp_path, clusters["chile"])
    own = {"account": "ia", "gpu_hours": 100}
    visited.data["courses"]["ai-foundations"]["slurm"] = {"chile": own}
    visited.sees(KEY, "no lleva cuentas", "AccountingStorageType=accounting_storage/slurmdbd")


def test_hours_that_are_forgotten_are_said(visited, changed):
    changed("PriorityDecayHalfLife", "PriorityDecayHalfLife=7-0")
    visited.sees(KEY, "7-00:00:00", "PriorityDecayHalfLife=0")
    (finding,) = visited.found()
    assert finding.warning


@pytest.mark.parametrize(
    ("enforce", "words", "warning"),
    [
        ("associations,limits,qos", "a la mitad", True),
        ("associations", "no hace cumplir los límites", False),
    ],
)
def test_limits_that_are_not_enforced(visited, changed, enforce, words, warning):
    changed("AccountingStorageEnforce", f"AccountingStorageEnforce={enforce}")
    visited.sees(KEY, words, "AccountingStorageEnforce=associations,limits,qos,safe")
    assert visited.found()[0].warning is warning


def test_an_account_that_is_no_operator(visited, accounted, tmp_path):
    """sacctmgr as it answers an account without rights."""
    here = tmp_path / "bin"
    here.mkdir()
    real = slurm(accounted, "sh", "-c", "command -v sacctmgr").stdout.strip()
    script = f'#!/bin/sh\ncase "$*" in *AdminLevel*) echo None;; *) exec {real} "$@";; esac\n'
    (here / "sacctmgr").write_text(script)
    (here / "sacctmgr").chmod(0o755)
    who = subprocess.run(["id", "-un"], capture_output=True, text=True).stdout.strip()
    if who == "root":  # Slurm lets root do all; somebody else runs the commands here
        (here / "id").write_text("#!/bin/sh\necho minga\n")
        (here / "id").chmod(0o755)
        who = "minga"
    path = f"{here}:{visited.site['environment'].get('PATH', '/usr/bin:/bin')}"
    visited.site["environment"] = {**visited.site["environment"], "PATH": path}
    visited.site["query_prefix"] = ["env"]
    visited.sees(KEY, f"la cuenta {who} no es operadora", "adminlevel=operator")


SHARES = {"uc": {"title": {"es": "UC"}, "country": "CL", "share": 2}}


def test_hours_and_shares_of_institutions_are_seen_too(visited):
    visited.data["institutions"] = SHARES
    assert visited.found() == []


def test_shares_alone_need_only_what_makes_them_weigh(visited, changed):
    visited.data["courses"]["ai-foundations"]["slurm"] = {"chile": {"account": "ia"}}
    visited.data["institutions"] = SHARES
    changed("AccountingStorageEnforce", "AccountingStorageEnforce=associations")
    assert visited.found() == []
    changed("PriorityWeightFairshare", "PriorityWeightFairshare=0")
    where = "courses.ai-foundations.slurm.chile.account"
    visited.sees(where, "no mira las partes", "PriorityWeightFairshare=10000")

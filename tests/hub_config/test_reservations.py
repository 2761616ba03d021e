"""`python -m hub_config.reservations` against a real Slurm: made once, kept right, never twice."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from hub_config.deployment import DEFAULT, ROOT
from tests.spawners.conftest import fresh_cluster, slurm_installation  # noqa: F401 (fixtures)
from tests.spawners.private_slurm import slurm

pytestmark = pytest.mark.slow

TOMORROW = datetime.now(UTC).date() + timedelta(days=1)
WINDOW = {
    "reservation": "ia-clase",
    "dates": [TOMORROW],
    "from": "09:00",
    "to": "11:00",
    "time_zone": "America/Bogota",  # UTC-5 all the year
    "gpus": 4,
}


@pytest.fixture
def operator(fresh_cluster, tmp_path):  # noqa: F811
    """Return a function that runs the command for a window; its cluster is `operator.cluster`."""
    cluster = fresh_cluster("chile")
    state = tmp_path / "state"
    (state / "hub").mkdir(parents=True)
    known = {"chile": {"scheduler": "slurm", "environment": cluster.environment()}}
    known["colombia"] = {"scheduler": "local"}
    (state / "hub" / "clusters.json").write_text(json.dumps(known))

    def command(*options: str, **window) -> subprocess.CompletedProcess:
        deployment = yaml.safe_load(DEFAULT.read_text())
        own = {"windows": [WINDOW | window]}
        deployment["courses"]["ai-foundations"]["slurm"] = {"chile": own}
        file = tmp_path / "deployment.yaml"
        file.write_text(yaml.safe_dump(deployment))
        places = {"MINGA_DEPLOYMENT": str(file), "MINGA_STATE": str(state)}
        # An operator's own time zone must not move a lesson.
        return subprocess.run(
            [sys.executable, "-m", "hub_config.reservations", *options],
            cwd=ROOT,
            env={**os.environ, **places, "TZ": "Asia/Tokyo"},
            capture_output=True,
            text=True,
        )

    command.cluster = cluster
    return command


def reservation(cluster, name: str = "ia-clase") -> dict[str, str]:
    """The fields of a reservation, times in UTC."""
    shown = slurm(cluster, "env", "TZ=UTC", "scontrol", "show", "res", name, "--oneliner").stdout
    return dict(word.split("=", 1) for word in shown.split() if "=" in word)


def test_the_next_lesson_is_reserved_once_and_follows_the_file(operator):
    shown = operator()
    assert shown.returncode == 0, shown.stderr
    assert "scontrol create reservation ReservationName=ia-clase" in shown.stdout
    assert "No reservations" in slurm(operator.cluster, "scontrol", "show", "res").stdout

    assert operator("--apply").returncode == 0
    made = reservation(operator.cluster)
    assert made["StartTime"] == f"{TOMORROW}T14:00:00"
    assert made["EndTime"] == f"{TOMORROW}T16:00:00"
    assert (made["NodeCnt"], made["PartitionName"]) == ("1", "gpu")

    again = operator("--apply")
    assert "scontrol" not in again.stdout
    assert "nothing to do" in again.stdout

    changed = operator("--apply", **{"from": "08:30", "to": "12:15", "gpus": 8})
    assert changed.returncode == 0, changed.stderr
    made = reservation(operator.cluster)
    assert made["StartTime"] == f"{TOMORROW}T13:30:00"
    assert made["EndTime"] == f"{TOMORROW}T17:15:00"
    assert made["NodeCnt"] == "2"


def test_a_lesson_that_takes_place_now_is_reserved_from_now(operator):
    now = datetime.now(UTC)
    shift = now.hour - 12  # its place is where it is about noon: no lesson crosses midnight
    local = now - timedelta(hours=shift)
    window = {
        "dates": [local.date()],
        "from": "09:00",
        "to": "15:00",
        "time_zone": f"Etc/GMT{shift:+d}",
    }
    assert operator("--apply", **window).returncode == 0
    made = reservation(operator.cluster)
    assert made["State"] == "ACTIVE"
    assert "nothing to do" in operator("--apply", **window).stdout


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ({"gpus": 9}, "the site has 8 GPUs, not 9"),
        ({"gpus": None}, "must say how much"),
        ({"gpus": 3}, "keeps the course to 3 GPUs"),
        ({"gpus": 3, "qos": "ia-clase"}, "no accounting"),
        ({"feature": "nueva"}, "the site has 0 GPUs, not 4"),
    ],
)
def test_what_slurm_cannot_keep_is_said(operator, window, words):
    shown = operator(**window)
    assert shown.returncode == 0, shown.stderr
    assert words in shown.stdout


def test_only_nodes_with_gpus_are_reserved(operator):
    """A partition of unequal nodes: which ones is said by a feature, or nothing is reserved."""
    settings = operator.cluster.folder / "etc" / "slurm.conf"
    lines = settings.read_text().splitlines()
    for number, line in enumerate(lines):
        if line.startswith("NodeName=chile-n0"):
            lines[number] = line.split(" Gres=")[0]
        if line.startswith("NodeName=chile-n1"):
            lines[number] = line + " Features=nueva,a100"
    settings.write_text("\n".join(lines) + "\n")
    slurm(operator.cluster, "scontrol", "reconfigure")
    assert "name a «feature»" in operator("--apply").stdout
    assert operator("--apply", feature="nueva").returncode == 0
    assert reservation(operator.cluster)["Nodes"] == "chile-n1"


def test_a_site_that_does_not_answer_is_named(operator):
    operator.cluster.stop()
    done = operator("--apply")
    assert done.returncode == 1
    assert "# chile: " in done.stderr


def test_a_site_that_is_not_there(operator):
    done = operator("--site", "peru")
    assert done.returncode == 2
    assert "chile, colombia" in done.stderr

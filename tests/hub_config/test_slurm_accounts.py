"""A site's Slurm accounts are kept by the command and the hub, on a real Slurm with accounting."""

import asyncio
import getpass
import json
import logging
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import yaml

from hub_config import slurm_accounts
from hub_config.account_plan import Account
from hub_config.deployment import DEFAULT, ROOT, Deployment
from hub_config.slurm_accounts import Books, advice
from spawners.choices import Choice
from spawners.sites import SchedulerError, SlurmSite
from tests.conftest import in_a_loop_of_its_own
from tests.spawners.conftest import slurm_installation  # noqa: F401 (fixture)
from tests.spawners.private_slurm import accounted_cluster, slurm

TOMORROW = datetime.now(UTC).date() + timedelta(days=1)
WINDOW = {
    "reservation": "clase",
    "qos": "ia-clase",
    "gpus": 4,
    "dates": [TOMORROW],
    "from": "09:00",
    "to": "11:00",
    "time_zone": "America/Bogota",
}


@pytest.fixture
def cluster(slurm_installation, tmp_path):  # noqa: F811
    """A cluster with accounting of this test's own."""
    with accounted_cluster(slurm_installation, tmp_path) as cluster:
        yield cluster


def described(**own) -> dict:
    """A deployment where two institutions share a course that has `own` in chile."""
    data = yaml.safe_load(DEFAULT.read_text())
    data["sites"]["chile"]["private_cluster"]["accounting"] = True
    data["courses"] = {"ai-foundations": data["courses"]["ai-foundations"]}
    data["courses"]["ai-foundations"]["slurm"] = {"chile": {"account": "ia", **own}}
    title = {"es": "Universidad"}
    data["institutions"] = {
        "uc": {"title": title, "country": "CL", "share": 2},
        "ua": {"title": title, "country": "CO", "share": 1},
    }
    return data


@pytest.mark.slow
def test_an_operator_sees_the_commands_and_does_them_once(cluster, tmp_path):
    state = tmp_path / "state"
    (state / "hub").mkdir(parents=True)
    known = {"chile": {"scheduler": "slurm", "environment": cluster.environment()}}
    known["colombia"] = {"scheduler": "local"}
    (state / "hub" / "clusters.json").write_text(json.dumps(known))
    file = tmp_path / "deployment.yaml"

    def command(module: str, *options: str, **own) -> str:
        file.write_text(yaml.safe_dump(described(**own)))
        places = {"MINGA_DEPLOYMENT": str(file), "MINGA_STATE": str(state)}
        done = subprocess.run(
            [sys.executable, "-m", f"hub_config.{module}", *options],
            cwd=ROOT,
            env={**os.environ, **places},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def accounts() -> set[str]:
        shown = ("format=Account,ParentName,Share,GrpTRESMins", "accounts=uc,ua,ia,ia-uc,ia-ua")
        return set(slurm(cluster, "sacctmgr", "-nP", "show", "assoc", *shown).stdout.split())

    assert "add account uc" in command("slurm_accounts", gpu_hours=8)
    assert accounts() == set()
    command("slurm_accounts", "--apply", "--site=chile", gpu_hours=8)
    assert accounts() == {
        "uc|root|2|",
        "ua|root|1|",
        "ia|root|1|gres/gpu=120",
        "ia-uc|uc|1|gres/gpu=240",
        "ia-ua|ua|1|gres/gpu=120",
    }
    assert "nothing to do" in command("slurm_accounts", "--apply", gpu_hours=8)
    # What Slurm has is changed as the file changes; a reservation is for all of these accounts.
    command("reservations", "--apply", gpu_hours=16, windows=[WINDOW])
    assert "ia-uc|uc|1|gres/gpu=480" in accounts()
    shown = slurm(cluster, "scontrol", "show", "res", "clase", "--oneliner").stdout
    fields = dict(word.split("=", 1) for word in shown.split() if "=" in word)
    assert set(fields["Accounts"].split(",")) == {"ia", "ia-uc", "ia-ua"}
    qos = slurm(cluster, "sacctmgr", "-nP", "show", "assoc", "account=ia-uc", "format=QOS").stdout
    assert "ia-clase" in qos
    assert "nothing to do" in command("reservations", "--apply", gpu_hours=16, windows=[WINDOW])
    assert "nothing to do" in command("slurm_accounts", gpu_hours=16, windows=[WINDOW])


@pytest.mark.slow
@in_a_loop_of_its_own
async def test_two_starts_at_once_make_one_account(cluster):
    books = Books(SlurmSite("chile", environment=cluster.environment()))
    wanted = [
        Account("uc", parent="root", share=2),
        Account("ia-uc", parent="uc", each=60, people=frozenset(["root"])),
    ]
    await asyncio.gather(*(books.enroll(wanted) for _ in range(5)))
    assert await books.plan(wanted) == []
    shown = ("format=User,GrpTRESMins", "account=ia-uc", "user=root")
    said = slurm(cluster, "sacctmgr", "-nP", "show", "assoc", *shown).stdout
    assert said.split() == ["root|gres/gpu=60"]


# --- what goes wrong stops nothing ------------------------------------------------------------


class Site:
    """A site that answers what Slurm 22.05.8 does, and takes orders or says `refuses`."""

    scheduler = "slurm"

    def __init__(self, accounting="accounting_storage/slurmdbd", refuses=""):
        self.accounting, self.refuses, self.orders = accounting, refuses, []

    async def ask(self, command):
        if command[0] == "scontrol":
            return f"AccountingStorageType = {self.accounting}\nClusterName   = chile\n", ""
        return "", ""

    async def keep_books(self, command):
        if self.refuses:
            raise SchedulerError(self.refuses)
        self.orders.append(command)


DENIED = "Problem adding users: Access/permission denied"
SOMEBODY = SimpleNamespace(name="ana", groups=[SimpleNamespace(name="institution-uc")])
CHOICE = Choice(course="ai-foundations", site="chile", profile="gpu", hours=1, language="es")


def configured(site: Site):
    """Return what the hub is told about its accounts, as a namespace."""
    deployment = Deployment.model_validate(described(gpu_hours=9))
    c = SimpleNamespace(MingaSpawner=SimpleNamespace(sites={"chile": site}))
    slurm_accounts.configure(c, deployment, None)
    return c.MingaSpawner


@in_a_loop_of_its_own
async def test_a_hub_without_rights_starts_sessions_and_says_what_to_do(caplog):
    caplog.set_level(logging.INFO, "JupyterHub.minga")
    spawner = SimpleNamespace(user=SOMEBODY, choice=CHOICE)
    hub = configured(Site(refuses=DENIED))
    await hub.enroll(spawner)
    await asyncio.sleep(0.05)
    for task in slurm_accounts.configure.tasks:
        assert not task.done()  # it will try again
        task.cancel()
    said = caplog.text
    assert "user=ana is not in the Slurm account of course=ai-foundations" in said
    assert "the Slurm accounts are not as the deployment says" in said
    assert said.count("adminlevel=operator") == 2


@in_a_loop_of_its_own
async def test_a_person_is_put_into_their_institutions_account_once():
    site = Site()
    hub = configured(site)
    await asyncio.gather(*slurm_accounts.configure.tasks)
    made = len(site.orders)
    spawner = SimpleNamespace(user=SOMEBODY, choice=CHOICE)
    await hub.enroll(spawner)
    enrolled = len(site.orders)
    assert site.orders[-1][2:4] == ["add", "user"]
    assert site.orders[-1][5] == "account=ia-uc"
    await hub.enroll(spawner)
    assert made < enrolled == len(site.orders)


@in_a_loop_of_its_own
async def test_a_site_that_hangs_holds_up_one_start_and_not_the_next_ones(monkeypatch):
    monkeypatch.setattr(slurm_accounts, "PATIENCE", 0.1)
    site, asked = Site(), []

    async def silence(command):
        asked.append(command)
        await asyncio.sleep(60)

    site.ask = silence
    books = Books(site)
    started = [books.enroll([Account("ia", people=frozenset([name]))]) for name in ("ana", "luis")]
    assert [type(e) for e in await asyncio.gather(*started, return_exceptions=True)] == [
        TimeoutError, TimeoutError
    ]  # fmt: skip
    assert len(asked) == 2, "they do not wait for each other"
    await books.enroll([Account("ia", people=frozenset(["eva"]))])
    assert len(asked) == 2


@in_a_loop_of_its_own
async def test_what_was_seen_is_looked_at_again_later(monkeypatch):
    site = Site()
    books, wanted = Books(site), [Account("ia", people=frozenset(["ana"]))]
    for expected in (2, 2):
        await books.enroll(wanted)
        assert len(site.orders) == expected
    monkeypatch.setattr(slurm_accounts, "SURE", 0)
    await books.enroll(wanted)
    assert len(site.orders) == 4, "an operator may have taken it away"


def test_where_all_share_an_account_it_is_the_one_that_sessions_run_as_there():
    data = described(gpu_hours=9)
    data["sites"]["lima"] = {
        "title": {"es": "Lima"},
        "ssh": {"login": "minga@login.lima", "key_file": "/k", "host_keys_file": "/h"},
        "home": "/srv/minga/{username}",
    }
    data["courses"]["ai-foundations"]["slurm"]["lima"] = {"account": "ia", "gpu_hours": 9}
    deployment, spawner = Deployment.model_validate(data), SimpleNamespace(user=SOMEBODY)
    for site, user in (("chile", getpass.getuser()), ("lima", "minga")):
        place = SimpleNamespace(course="ai-foundations", site=site)
        assert slurm_accounts.of_person(deployment, spawner, place)[-1].people == {user}


@pytest.mark.parametrize(
    ("error", "mend"),
    [
        (SchedulerError(DENIED), "adminlevel=operator"),
        (SchedulerError("Your user doesn't have privilege to perform this action"), "operator"),
        (SchedulerError("minga: not an order about this line's --accounts"), "authorized_keys"),
        (SchedulerError("slurm_persist_conn_open: failed to connect"), "slurmdbd"),
        (TimeoutError(), "slurmdbd"),
        (ValueError("something new"), "python -m hub_config.slurm_accounts"),
    ],
)
def test_each_failure_says_what_to_do(error, mend):
    assert mend in advice(error)


@in_a_loop_of_its_own
async def test_a_site_without_accounting_is_named():
    with pytest.raises(ValueError, match="no accounting"):
        await Books(Site("accounting_storage/none")).plan([Account("ia")])

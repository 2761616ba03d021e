"""What is written down of a session: when it is reached, when it is over, and by whose clock."""

import stat
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import yaml

from hub_config import transparency
from hub_config.deployment import DEFAULT, load
from hub_config.state import State
from spawners import accounted
from spawners.queue import Job
from spawners.sites import SchedulerError
from spawners.slurm import MingaSpawner
from tests.conftest import in_a_loop_of_its_own
from transparency.database import Database
from transparency.record import Recorder, pseudonym, read_key
from transparency.tables import SessionUse

TAG = "minga:abcd:1"
START = int(time.time()) - 7200
RUNNING = Job(
    "7", "RUNNING", node="n0", started=str(START), ends=str(START + 14400), since=str(START - 60)
)


@pytest.fixture
def deployment(tmp_path):
    data = yaml.safe_load(DEFAULT.read_text())
    data["institutions"] = {"udechile": {"title": {"es": "U. de Chile"}, "country": "CL"}}
    file = tmp_path / "deployment.yaml"
    file.write_text(yaml.safe_dump(data))
    return load(file)


@pytest.fixture
def recorder(tmp_path):
    return Recorder(Database(f"sqlite:///{tmp_path}/use.sqlite"), b"key")


def session(job=RUNNING, groups=("nbgrader-ai-foundations", "institution-udechile")):
    """What `tell` reads of a MingaSpawner."""
    return SimpleNamespace(
        tag=TAG,
        job=job,
        site_name="chile",
        choice=SimpleNamespace(course="ai-foundations", profile="gpu2", hours=4),
        user=SimpleNamespace(name="ana", groups=[SimpleNamespace(name=g) for g in groups]),
    )


def rows(recorder) -> list[SessionUse]:
    recorder.close()
    with recorder.database.transaction() as found:
        every = list(found.query(SessionUse))
        found.expunge_all()
    return every


def test_a_session_is_recorded_under_a_pseudonym(recorder, deployment):
    ended = RUNNING._replace(state="TIMEOUT", ends=str(START + 3600))
    transparency.tell(recorder, deployment, session(), "started")
    transparency.tell(recorder, deployment, session(), "started")  # Slurm moved it
    transparency.tell(recorder, deployment, session(ended), "ended")
    transparency.tell(recorder, deployment, session(None), "ended")  # seen once more
    (row,) = rows(recorder)
    assert row.person == pseudonym(b"key", "ana") and "ana" not in row.person
    assert (row.institution, row.country, row.course) == ("udechile", "CL", "ai-foundations")
    assert (row.site, row.job, row.gpus, row.cores) == ("chile", "7", 2, 8)
    assert (row.submitted, row.started, row.ended) == (START - 60, START, START + 3600)
    assert row.ends == START + 14400 and row.source == "hub" and row.month is None


@pytest.mark.parametrize(
    ("job", "ended"),
    [
        (RUNNING, None),  # stopped: now
        (RUNNING._replace(ends=str(START + 100)), START + 100),  # its limit has passed
        (None, None),  # an earlier hub's, and forgotten by Slurm
    ],
    ids=["stopped", "at its limit", "forgotten"],
)
def test_the_end_that_is_known(recorder, deployment, job, ended):
    transparency.tell(recorder, deployment, session(), "started")
    transparency.tell(recorder, deployment, session(job), "ended")
    assert rows(recorder)[0].ended == pytest.approx(ended or time.time(), abs=60)


def test_a_session_that_was_made_longer_has_its_new_limit(recorder, deployment):
    transparency.tell(recorder, deployment, session(), "started")
    longer = RUNNING._replace(ends=str(START + 18000))
    transparency.tell(recorder, deployment, session(longer), "started")
    assert rows(recorder)[0].ends == START + 18000


def test_nobody_s_institution_and_no_job_s_session(recorder, deployment):
    transparency.tell(recorder, deployment, session(groups=["institution-other"]), "started")
    process = session()
    process.tag = ""
    transparency.tell(recorder, deployment, process, "started")
    (row,) = rows(recorder)
    assert (row.institution, row.country) == ("", "")


def test_a_database_that_is_not_there_harms_no_session(tmp_path, deployment, caplog):
    broken = Recorder(Database(f"sqlite:///{tmp_path}/no/such/folder/use.sqlite"), b"key")
    transparency.tell(broken, deployment, session(), "started")
    broken.close()
    assert "could not be recorded" in caplog.text
    spawner = MingaSpawner()
    spawner.on_use = lambda spawner, event: 1 / 0
    spawner.site_name, spawner.job_id, spawner.job_started = "chile", "1", "5"
    spawner._note_end("timeout")
    assert spawner.ending.state == "timeout"


def test_the_key_is_made_once_and_is_the_hubs_own(tmp_path):
    key = read_key(tmp_path / "key")
    assert len(key) == 32 and read_key(tmp_path / "key") == key
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


class Site:
    """A site with accounting: `says` is sacct's answer, or None where it has no accounting."""

    def __init__(self, says):
        self.says, self.asked = says, []

    async def accounted(self, jobs):
        self.asked += jobs
        if self.says is None:
            raise SchedulerError("Slurm accounting storage is disabled")
        return accounted.read(self.says)


@in_a_loop_of_its_own
async def correct(recorder, sites):
    return await recorder.correct(sites)


TRES = "billing=8,cpu=6,gres/gpu:a100=1,gres/gpu=1,mem=16G,node=1"


@pytest.mark.parametrize(
    ("says", "row"),
    [
        (f"7|{START - 61}|{START - 5}|{START + 9}|{TRES}\n", (START - 5, START + 9, 1, 6, "sacct")),
        (f"7|{START - 61}|{START}|{START + 9}|cpu=6\n", (START, START + 9, 2, 6, "sacct")),
        (f"7|{START - 61}|{START}|Unknown|{TRES}\n", (START, START + 3600, 2, 8, "hub")),
        (f"7|{START - 9999}|{START}|{START + 9}|{TRES}\n", (START, START + 3600, 2, 8, "hub")),
        ("", (START, START + 3600, 2, 8, "hub")),
        (None, (START, START + 3600, 2, 8, "hub")),
    ],
    ids=["right", "no GPUs kept", "not over yet", "another job of this number", "none", "no sacct"],
)
def test_where_a_site_has_accounting_its_figures_win(recorder, deployment, says, row):
    transparency.tell(recorder, deployment, session(), "started")
    ended = RUNNING._replace(state="COMPLETED", ends=str(START + 3600))
    transparency.tell(recorder, deployment, session(ended), "ended")
    recorder.close()
    site = Site(says)
    sites = {"chile": site, "colombia": Site(""), "laptop": object()}
    assert correct(recorder, sites) == (row[-1] == "sacct")
    assert site.asked == ["7"] and sites["colombia"].asked == []
    (found,) = rows(recorder)
    assert (found.started, found.ended, found.gpus, found.cores, found.source) == row


def test_a_session_that_is_counted_is_not_changed(recorder, deployment):
    transparency.tell(recorder, deployment, session(), "started")
    recorder.close()
    with recorder.database.transaction() as found:
        found.query(SessionUse).one().month = "2026-11"
    recorder._write(recorder._complete, TAG, START + 5.0)
    site = Site(f"7|{START - 61}|{START}|{START + 9}|{TRES}\n")
    assert correct(recorder, {"chile": site}) == 0
    assert rows(recorder)[0].ended is None


def test_it_can_be_switched_off(deployment, tmp_path, monkeypatch):
    monkeypatch.setenv("MINGA_STATE", str(tmp_path / "state"))
    state = State(deployment)
    state.make()
    state.choose_ports(["transparency"], keep=set())
    for enabled, names in ((True, ["transparency"]), (False, [])):
        deployment.transparency.enabled = enabled
        c = SimpleNamespace(JupyterHub=SimpleNamespace(services=[]))
        with ThreadPoolExecutor(1) as thread:  # where no loop runs, as Playwright's here
            thread.submit(transparency.configure, c, deployment, state).result()
        assert [service["name"] for service in c.JupyterHub.services] == names

"""A course with a reservation, on a real Slurm under a real hub: who gets it, who waits."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta

import pytest
import requests
import yaml

from hub_config.deployment import DEFAULT
from spawners.sites import SlurmSite
from tests.conftest import Minga, in_a_loop_of_its_own, minga_of
from tests.spawners.private_slurm import job_state, wait_until
from tests.spawners.private_slurm import slurm as ask
from tests.spawners.test_sessions import hub_log, slurm

pytestmark = pytest.mark.slow

LESSON = {
    "course": "ai-foundations",
    "site": "chile",
    "profile": "gpu",
    "hours": 4,
    "language": "es",
}
OTHER = LESSON | {"course": "supercomputing"}


def open_now(**more) -> dict:
    """A window that opened five minutes ago and closes in forty, far from midnight."""
    now = datetime.now(UTC)
    shift = now.hour - 12
    local = now - timedelta(hours=shift)
    return {
        "reservation": "clase",
        "dates": [local.date()],
        "from": f"{local - timedelta(minutes=5):%H:%M:%S}",
        "to": f"{local + timedelta(minutes=40):%H:%M:%S}",
        "time_zone": f"Etc/GMT{shift:+d}",  # in these names west of Greenwich is plus
        **more,
    }


@pytest.fixture
def teaching(tmp_path, monkeypatch):
    """A Minga where one course has a lesson in chile just now, and the others nothing."""
    deployment = yaml.safe_load(DEFAULT.read_text())
    deployment["courses"]["ai-foundations"]["slurm"] = {
        "chile": {"account": "ia", "windows": [open_now()]}
    }
    with minga_of(deployment, tmp_path, monkeypatch) as minga:
        yield minga


def fill(minga: Minga, node: str, gpus: int, *options: str) -> None:
    """Take GPUs of a node of chile for somebody who is not in Minga."""
    command = ["sbatch", "--output=/dev/null", "--job-name=somebody", f"--nodelist={node}"]
    command += [f"--gres=gpu:{gpus}", "--mem=100", "--time=60", *options, "--wrap=sleep 3000"]
    slurm(minga, "chile", *command)


def sessions(minga: Minga) -> dict[str, dict[str, str]]:
    """Minga's jobs in chile, by account ("" for none)."""
    names = ("id", "state", "reason", "limit", "reservation", "account", "node")
    lines = slurm(
        minga, "chile", "squeue", "--noheader", "--name=minga", "--format=%i|%T|%r|%l|%v|%a|%N"
    )
    jobs = [dict(zip(names, line.split("|"), strict=True)) for line in lines.splitlines()]
    return {job["account"].replace("(null)", ""): job for job in jobs}


def said(person) -> str:
    """What the pending page says now."""
    with requests.get(
        f"{person.hub}/api/users/{person.name}/server/progress",
        headers={"Authorization": f"token {person.token}"},
        stream=True,
        timeout=60,
    ) as stream:
        for line in stream.iter_lines():
            event = json.loads(line[5:]) if line.startswith(b"data:") else {}
            if "messages" in event:  # the hub's own "Server requested" has none
                return event["messages"]["es"]
    raise AssertionError("nothing was said")


def test_in_its_lesson_a_course_has_its_machines_and_others_wait(teaching):
    minga = teaching
    slurm(minga, "chile", "scontrol", "create", "reservation", "ReservationName=clase",
          "StartTime=now", "Duration=40", "Users=root", "Nodes=chile-n0")  # fmt: skip
    fill(minga, "chile-n1", 4)
    one, other = minga.login("estudiante1"), minga.login("estudiante2")

    # A course without a lesson: everything else is taken, and the reserved node is not for it.
    assert other.api("POST", "/users/estudiante2/server", json=OTHER).status_code == 202
    one.start(**LESSON)
    jobs = sessions(minga)
    assert (jobs["ia"]["state"], jobs["ia"]["reservation"]) == ("RUNNING", "clase")
    assert jobs["ia"]["node"] == "chile-n0"
    # Four hours were chosen; the job ends with the lesson.
    assert 30 <= int(jobs["ia"]["limit"].split(":")[0]) <= 40, jobs
    assert jobs[""]["state"] == "PENDING"
    assert jobs[""]["reservation"] == "(null)"
    assert "lugar 1" in said(other)
    assert "reservadas" not in said(other)
    other.stop()

    # The lesson's quota is full: the next of the course waits, and reads about the lesson.
    fill(minga, "chile-n0", 3, "--reservation=clase")
    wait_until(lambda: "R" in slurm(minga, "chile", "squeue", "-h", "-R", "clase", "-o", "%t"))
    assert other.api("POST", "/users/estudiante2/server", json=LESSON).status_code == 202
    wait_until(lambda: waiting(minga).get("reservation") == "clase")
    assert "tu sesión termina con la clase" in said(other)

    # The reservation ends before the window does: who waited goes on as everybody, not held.
    slurm(minga, "chile", "scontrol", "update", "ReservationName=clase", "EndTime=now+1")
    end = time.monotonic() + 150
    while not other.server().get("ready"):
        assert time.monotonic() < end, (sessions(minga), hub_log(minga))
        time.sleep(0.5)
    assert sessions(minga)["ia"]["reservation"] == "(null)"
    log = (minga.state / "log" / "hub.log").read_text()
    assert "left its lesson: its reservation has ended" in log
    other.stop()

    # Nobody made the reservation: the lesson takes place all the same, and the operator reads it.
    other.start(**LESSON)
    assert sessions(minga)["ia"]["reservation"] == "(null)"
    assert "goes without reservation=clase" in hub_log(minga)


def waiting(minga: Minga) -> dict:
    """Minga's job in chile that waits."""
    lines = slurm(
        minga, "chile", "squeue", "-h", "--name=minga", "--state=PENDING", "-o", "%i|%r|%v"
    ).splitlines()
    return (
        dict(zip(("id", "reason", "reservation"), lines[0].split("|"), strict=True))
        if lines
        else {}
    )


@in_a_loop_of_its_own
async def test_a_lesson_that_is_over_is_left_and_one_that_ends_is_kept_to(clusters):
    """A job that waits for a reservation's next week goes on without it; a running one is cut."""
    cluster = clusters["chile"]
    site = SlurmSite("chile", environment=cluster.environment())
    ask(cluster, "scontrol", "create", "reservation", "ReservationName=semanal",
        "StartTime=now+3600", "Duration=60", "Users=root", "NodeCnt=1", "PartitionName=gpu",
        "Flags=WEEKLY")  # fmt: skip
    try:
        command = ["sbatch", "--parsable", "--output=/dev/null", "--reservation=semanal"]
        job = ask(cluster, *command, "--time=30", "--wrap=sleep 100").stdout.strip()
        await asyncio.sleep(1)
        assert job_state(cluster, job) == "PENDING"
        await site.leave_reservation("root", job)
        wait_until(lambda: job_state(cluster, job) == "RUNNING")
        await site.shorten("root", job, 7)
        assert ask(cluster, "squeue", "-h", "-j", job, "-o", "%l").stdout.strip() == "7:00"
        await site.cancel("root", job)
    finally:
        ask(cluster, "scontrol", "delete", "ReservationName=semanal")

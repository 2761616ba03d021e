"""The scheduler is down, restarted, slow, or answers garbage; munge too."""

import time

import pytest

from benchmarks import machine
from tests.spawners.private_slurm import wait_until

from .rig import end_of_process, everything

pytestmark = pytest.mark.slow


@pytest.fixture
def working(hub, request):
    """A person with a session, before and after; named like the test."""
    name = f"p{abs(hash(request.node.name)) % 10**8}"
    hub.start_session(name)
    job = hub.job_of(name)
    yield name
    hub.settle()
    assert hub.server(name)["ready"], hub.log()[-3000:]
    assert hub.session_answers(name)
    assert hub.job_of(name) == job  # the same one, not another
    hub.stop_session(name)
    assert not hub.jobs()


def asked_again(hub, pattern: str, seconds: float = 60) -> None:
    """Wait until the hub's log says so once more than now."""
    before = len(hub.said(pattern))
    wait_until(lambda: len(hub.said(pattern)) > before, seconds, every=0.3)


def test_munge_is_down_and_comes_back(hub, working, broken_site):
    """Without munge no command of Slurm works, and each tries for 50 s before it says so."""
    end_of_process(hub.daemon("munged"))
    asked_again(hub, "does not answer")
    began = time.monotonic()
    assert "En marcha" in hub.page(hub.browser(working))
    assert time.monotonic() - began < 5
    assert hub.server(working)["ready"]
    broken_site.start()
    asked_again(hub, r"answers, \d+ jobs")


@everything
def test_slurmctld_is_restarted_in_order(hub, working, broken_site):
    controller = hub.daemon("slurmctld")
    controller.terminate()
    controller.wait(20)
    broken_site.start()
    machine.slurm(broken_site, "scontrol", "ping")
    time.sleep(5)  # two looks of the hub


@pytest.mark.parametrize("what", ["cut", "empty", "noise", pytest.param("web", marks=everything)])
def test_garbage_is_not_taken_for_the_end_of_a_session(hub, working, what):
    """squeue's answer is cut, lost, a proxy's page, or noise; always with exit status 0."""
    hub.break_commands(what, "squeue")
    browser = hub.browser(working)
    end = time.monotonic() + 7  # several looks of the hub
    while time.monotonic() < end:
        assert hub.server(working)["ready"], hub.log()[-3000:]
        assert "En marcha" in hub.page(browser)  # the page looks, too
        time.sleep(0.5)


def test_two_wrong_answers_are_no_proof_either(hub, working):
    """squeue says nothing, and scontrol, which is asked about it then, answers garbage."""
    hub.break_commands("empty")
    asked_again(hub, "jobs are missing in its answer")
    assert hub.server(working)["ready"]


def test_what_others_call_their_jobs_blinds_nobody(hub, working, broken_site):
    """Anybody on a cluster may put newlines and separators into a name and a comment."""
    lost = len(hub.said("does not answer"))
    machine.slurm(
        broken_site,
        *("sbatch", "--parsable", "--output=/dev/null", "--chdir=/tmp", "--hold"),
        *("--job-name=a\n7|RUNNING|None|n0", "--comment=x\n|minga:\n+=|"),
        text="#!/bin/sh\nsleep 60\n",
    )
    time.sleep(5)
    assert len(hub.said("does not answer")) == lost
    machine.slurm(broken_site, "scancel", "--state=PENDING", "--partition=gpu")


def test_a_stop_while_the_scheduler_is_down_is_carried_out_later(hub, broken_site):
    """The student is free at once; the job is cancelled as soon as Slurm takes the order."""
    hub.start_session("leaver")
    job = hub.job_of("leaver")
    time.sleep(7)  # slurmctld has written the job down
    end_of_process(hub.daemon("slurmctld"))
    hub.stop_session("leaver")
    assert "leaver" in (hub.folder / "ledger.json").read_text()
    broken_site.start()
    assert job in hub.jobs()
    wait_until(lambda: job not in hub.jobs(), 60, every=0.5)
    wait_until(lambda: "leaver" not in (hub.folder / "ledger.json").read_text(), 60, every=0.5)


def test_a_start_while_the_scheduler_is_down_is_a_sentence(hub, broken_site):
    hub.add_users(["early"])
    time.sleep(6)
    end_of_process(hub.daemon("slurmctld"))
    answer = hub.press("early")
    if answer.status_code == 202:  # the hub answers after 10 s, sbatch may take longer
        wait_until(lambda: not hub.server("early").get("pending"), 60)
        text = hub.page(hub.browser("early"), "spawn-pending/early")
    else:
        text = answer.json()["message"]
    assert "el planificador no responde en este momento" in text
    broken_site.start()
    hub.start_session("early")
    hub.stop_session("early")


def test_a_job_whose_number_never_came_back_does_not_stay(hub, broken_site):
    """sbatch hands the job in, and its answer is lost: the student reads that it failed."""
    hub.add_users(["unlucky"])
    hub.break_commands("deaf", "sbatch")
    answer = hub.press("unlucky")
    hub.settle()
    assert answer.status_code == 503, answer.text
    assert hub.jobs()  # Slurm has it
    wait_until(lambda: not hub.jobs(), 60, every=0.5)


# The last one: after slow answers the hub asks less for a while.
def test_a_scheduler_that_takes_ten_seconds_serves_all_the_same(hub, working):
    """squeue takes 10 s, each time: pages do not wait for it, and a start works, slowly."""
    hub.break_commands("slow", "squeue")
    began = time.monotonic()
    browser = hub.browser(working)
    for _ in range(3):
        assert "En marcha" in hub.page(browser)
    assert time.monotonic() - began < 8
    hub.add_users(["patient"])
    assert hub.press("patient").status_code in (201, 202)
    hub.until(lambda: hub.server("patient").get("ready"), 120)
    hub.settle()
    hub.stop_session("patient")

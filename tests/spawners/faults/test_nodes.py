"""A node dies, a job is suspended, an administrator cancels it."""

import time

import psutil
import pytest
import requests

from benchmarks import machine
from tests.spawners.private_slurm import slurm, wait_until

from .rig import FaultyHub, wait_until_running

pytestmark = pytest.mark.slow


def kill_node(hub: FaultyHub, node: str) -> None:
    """What a power cut does: slurmd, job steps and sessions of this node are gone at once."""
    victims = {hub.daemon(node)}
    for process in psutil.process_iter():
        try:
            environment = process.environ()
            ours = environment.get("MINGA_BENCHMARK") == str(hub.root)
            if ours and environment.get("SLURMD_NODENAME") == node:
                steps = (each for each in process.parents() if each.name() == "slurmstepd")
                victims |= {process, *steps}
        except psutil.Error:
            continue
    assert len(victims) > 2
    # Stopped first: what dies later must not report what died before.
    for process in victims:
        process.suspend()
    for process in victims:
        process.kill()
    psutil.wait_procs(victims, timeout=10)


def test_a_node_dies_and_the_session_goes_on_elsewhere(broken_site, tmp_path):
    """Slurm notices by itself (SlurmdTimeout), puts the job on another node, the proxy follows."""
    settings = broken_site.folder / "etc" / "slurm.conf"
    before = settings.read_text()
    settings.write_text(before + "SlurmdTimeout=6\n")
    slurm(broken_site, "scontrol", "reconfigure")
    try:
        with FaultyHub(broken_site, tmp_path) as hub:
            hub.start_session("ana")
            job = hub.job_of("ana")
            node = machine.slurm(broken_site, "squeue", "-h", "-j", job, "--format=%B").strip()
            time.sleep(6)  # requeued jobs keep what slurmctld has written down
            kill_node(hub, node)
            assert not hub.session_answers("ana")
            wait_until(lambda: hub.said("moved to node="), 120, every=0.5)
            wait_until(lambda: hub.session_answers("ana"), 20)
            assert hub.job_of("ana") == job
            other = machine.slurm(broken_site, "squeue", "-h", "-j", job, "--format=%B").strip()
            assert other != node
            assert hub.server("ana")["ready"]
    finally:
        settings.write_text(before)
        broken_site.start()


@pytest.fixture
def suspended(hub, broken_site):
    """A person whose job an operator suspended; it goes on afterwards."""
    hub.start_session("beatriz")
    job = hub.job_of("beatriz")
    slurm(broken_site, "scontrol", "suspend", job)
    wait_until(lambda: hub.jobs()[job] == "SUSPENDED", 20)
    yield job
    slurm(broken_site, "scontrol", "resume", job, check=False)
    wait_until(lambda: hub.session_answers("beatriz"), 30)
    assert hub.jobs() == {job: "RUNNING"}
    hub.stop_session("beatriz")


def test_a_suspended_job_keeps_its_session(hub, suspended):
    time.sleep(5)  # two looks
    assert hub.server("beatriz")["ready"]
    assert "En marcha" in hub.page(hub.browser("beatriz"))


def test_a_suspended_job_keeps_its_session_over_a_restart_of_the_hub(hub, suspended, broken_site):
    """It does not answer when the hub comes back, and JupyterHub would end it for that."""
    hub.kill()
    hub.start()
    time.sleep(12)
    assert hub.jobs() == {suspended: "SUSPENDED"}
    assert "Detenida" not in hub.page(hub.browser("beatriz"))
    slurm(broken_site, "scontrol", "resume", suspended)
    hub.until(lambda: hub.server("beatriz").get("ready"), 30)


def test_a_job_requeued_while_the_hub_is_down_is_followed(hub, broken_site):
    hub.start_session("carla")
    job = hub.job_of("carla")
    hub.kill()
    slurm(broken_site, "scontrol", "requeue", job)
    hub.start()
    wait_until_running(broken_site, job)
    hub.until(lambda: hub.server("carla").get("ready"), 30)
    assert hub.session_answers("carla")
    assert hub.job_of("carla") == job
    hub.stop_session("carla")


def test_a_server_moved_while_the_scheduler_is_silent_is_followed_later(hub, broken_site):
    """Its announcement comes when the hub cannot verify it: it is told to come again."""
    hub.start_session("diana")
    job = hub.job_of("diana")
    slurm(broken_site, "scontrol", "requeue", job)
    wait_until(lambda: hub.jobs().get(job) == "PENDING", 20)
    hub.break_commands("web", "squeue")
    wait_until_running(broken_site, job)
    wait_until(lambda: hub.said("503 POST /hub/api/batchspawner"), 20)
    assert not hub.session_answers("diana")
    hub.settle()
    wait_until(lambda: hub.session_answers("diana"), 40)
    hub.stop_session("diana")


def test_a_running_session_that_an_administrator_cancels_is_told(hub, broken_site):
    hub.start_session("elena")
    slurm(broken_site, "scancel", hub.job_of("elena"))
    wait_until(lambda: not hub.server("elena"), 20)
    page = hub.page(hub.browser("elena"), "user/elena")
    assert "fue cancelada" in page or "cancel" in page, page
    hub.start_session("elena")
    hub.stop_session("elena")


def test_a_held_and_drained_node_harms_no_running_session(hub, broken_site):
    hub.start_session("flor")
    job = hub.job_of("flor")
    node = machine.slurm(broken_site, "squeue", "-h", "-j", job, "--format=%B").strip()
    slurm(broken_site, "scontrol", "update", f"NodeName={node}", "State=DRAIN", "Reason=test")
    time.sleep(4)
    assert hub.server("flor")["ready"]
    assert requests.get(f"{hub.url}/user/flor/api", timeout=5).status_code == 200
    slurm(broken_site, "scontrol", "update", f"NodeName={node}", "State=RESUME")
    hub.stop_session("flor")

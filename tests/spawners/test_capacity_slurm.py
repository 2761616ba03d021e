"""The start page's numbers against two real clusters: filled, silent, back again."""

import asyncio
import time

import psutil
import pytest

from spawners import capacity
from spawners.choices import Course, Offer, Profile, SiteTitle
from spawners.outlook import first_answers, look, need_of, outlook, within
from spawners.sites import SlurmSite
from tests.conftest import in_a_loop_of_its_own
from tests.spawners.private_slurm import slurm, submit

pytestmark = pytest.mark.slow

TITLE = {"es": "-"}
OFFER = Offer(
    courses=[Course(name="ai", title=TITLE)],
    sites=[SiteTitle(name="chile", title=TITLE), SiteTitle(name="colombia", title=TITLE)],
    profiles=[
        Profile(
            name="gpu",
            title=TITLE,
            gpus=1,
            cores=4,
            memory_gb=8,
            hours_max=24,
            sites=["chile", "colombia"],
        ),
        Profile(name="gpu9", title=TITLE, gpus=9, sites=["chile", "colombia"]),
    ],
    languages=["es"],
)


@pytest.fixture
def sites(fresh_cluster, monkeypatch):
    """Two sites on real clusters, looked at every quarter of a second; every question counted."""
    monkeypatch.setattr(capacity, "REFRESH", 0.25)
    monkeypatch.setattr(capacity, "ESTIMATE_AGE", 1)
    made = {}
    for name in ("chile", "colombia"):
        cluster = fresh_cluster(name)
        site = SlurmSite(name, environment={**cluster.environment()}, partition="gpu")
        site.cluster, site.asked = cluster, []
        ask = site.capacity._ask

        async def counted(command, ask=ask, asked=site.asked):
            asked.append(command[0])
            return await ask(command)

        site.capacity._ask = counted
        site.capacity.timeout = 2
        made[name] = site
    return made


async def until(sites, question, seconds=180):
    """Look like an open page does until `question(outlook)` is true."""
    end = time.monotonic() + seconds
    while True:
        offer = within(OFFER, sites)
        look(offer, sites)
        shown = outlook(offer, sites)
        if question(shown):
            return shown
        assert time.monotonic() < end, shown
        await asyncio.sleep(0.1)


def line(shown, site):
    """The numbers of one GPU at `site`."""
    return " · ".join(m.render() for m in shown["profiles"]["gpu"]["sites"][site]["texts"])


@in_a_loop_of_its_own
async def test_a_site_that_fills_shows_it_and_the_other_one_is_suggested(sites, tmp_path):
    offer = within(OFFER, sites)
    look(offer, sites)
    began = time.monotonic()
    await first_answers(sites)
    assert time.monotonic() - began < capacity.FIRST_ANSWER + 0.5
    shown = await until(sites, lambda s: line(s, "chile") == "8 libres · empieza ya")
    assert shown["profiles"]["gpu"]["first"] is None
    # 24 hours and nine GPUs are more than this cluster has.
    assert shown["profiles"]["gpu"]["sites"]["chile"]["hours"] == 8
    assert shown["profiles"]["gpu9"]["sites"] == {}

    need = ("--gres=gpu:1", "--cpus-per-task=4", "--mem=8G", "--time=1:00:00")
    for number in range(8):
        submit(sites["chile"].cluster, "sleep 600", tmp_path / str(number), *need)
    await until(sites, lambda s: line(s, "chile").startswith("ninguna libre"))
    for number in range(2):
        submit(sites["chile"].cluster, "sleep 600", tmp_path / f"w{number}", *need)
    shown = await until(
        sites,
        lambda s: line(s, "chile").startswith("ninguna libre · 2 en espera · espera ~"),
    )
    assert shown["profiles"]["gpu"]["first"] == "colombia"
    assert shown["profiles"]["gpu"]["suggested"] == "colombia"
    # Slurm's own word, in seconds since 1970: all machines are taken for an hour.
    starts = sites["chile"].capacity.starts(need_of(OFFER.profile("gpu")), 8)
    assert 50 * 60 < starts - time.time() < 10 * 3600

    # The same through a remote shell, which joins its arguments and keeps no variables, as ssh.
    shell = ["env", "-u", "SLURM_TIME_FORMAT", "sh", "-c", 'exec sh -c "$*"', "ssh"]
    far = SlurmSite(
        "far", environment=sites["chile"].environment, query_prefix=shell, partition="gpu"
    )
    starts = await far.capacity._expected(need_of(OFFER.profile("gpu")), 8)
    assert 50 * 60 < starts - time.time() < 10 * 3600
    look(OFFER, {"far": far})  # no profile of it is offered there: only what it has is asked
    await first_answers({"far": far})
    assert (far.capacity.view.error, len(far.capacity.view.nodes)) == ("", 2)

    slurm(sites["chile"].cluster, "scancel", "--state=PENDING", "--partition=gpu")
    slurm(sites["chile"].cluster, "scancel", "--partition=gpu")
    await until(sites, lambda s: line(s, "chile") == "8 libres · empieza ya")


@in_a_loop_of_its_own
async def test_a_site_that_is_down_is_shown_so_and_back_when_it_is_back(sites):
    await until(sites, lambda s: s["sites"]["chile"]["state"] == "up")
    colombia = sites["colombia"].cluster
    slurm(colombia, "scontrol", "update", "PartitionName=gpu", "State=DOWN")
    shown = await until(sites, lambda s: s["sites"]["colombia"]["state"] == "down")
    assert shown["profiles"]["gpu"]["suggested"] == "chile"
    slurm(colombia, "scontrol", "update", "PartitionName=gpu", "State=UP")
    await until(sites, lambda s: s["sites"]["colombia"]["state"] == "up")
    for state, shown_as in (("DRAIN", "down"), ("RESUME", "up")):
        node = ["scontrol", "update", "NodeName=colombia-n[0-1]", f"State={state}", "Reason=test"]
        slurm(colombia, *node)
        await until(sites, lambda s, as_=shown_as: s["sites"]["colombia"]["state"] == as_)

    controller = controller_of(sites["chile"].cluster)
    controller.suspend()  # silent: the query's own limit counts
    try:
        await until(sites, lambda s: s["sites"]["chile"]["state"] == "down")
    finally:
        controller.resume()
    # Twice five times what the last question took, and some.
    await until(sites, lambda s: s["sites"]["chile"]["state"] == "up")
    controller.kill()
    shown = await until(sites, lambda s: s["sites"]["chile"]["state"] == "down")
    # What it has is still known, and its numbers are not shown.
    assert line(shown, "chile") == ""
    assert shown["profiles"]["gpu"]["sites"]["chile"]["hours"] == 8


@in_a_loop_of_its_own
async def test_many_who_look_ask_no_more_than_one_and_nobody_asks_nothing(sites, monkeypatch):
    monkeypatch.setattr(capacity, "INTEREST", 1)
    site = sites["chile"]
    began = time.monotonic()
    while time.monotonic() - began < 2:
        for _ in range(50):
            look(OFFER, sites)
            outlook(OFFER, sites)
        await asyncio.sleep(0.05)
    assert 1 <= site.asked.count("sinfo") <= 2 / 0.25 + 1
    assert "sbatch" not in site.asked, "it would start now: nothing to estimate"
    await asyncio.sleep(1.5)
    before = len(site.asked)
    await asyncio.sleep(1)
    assert len(site.asked) == before, "nobody looks: nobody asks"


def controller_of(cluster) -> psutil.Process:
    """The slurmctld of a private cluster."""
    config = cluster.environment()["SLURM_CONF"]
    (found,) = [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if "slurmctld" in (process.info["name"] or "") and config in (process.info["cmdline"] or ())
    ]
    return found

"""What sinfo prints becomes what a start page shows; garbage becomes «unknown»."""

import time
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spawners.capacity import (
    FIELDS,
    SINFO,
    STALE,
    Need,
    SiteCapacity,
    View,
    _gpus,
    _hours,
    parse,
    parse_estimate,
)
from spawners.choices import Course, Offer, Profile, SiteTitle
from spawners.lessons import CourseOnSite
from spawners.messages import SessionError
from spawners.outlook import outlook, reserved, within
from spawners.queue import Job, SiteQueue, Snapshot

# Printed by Slurm 22.05.8 on two nodes: one full and draining, one with one GPU in use.
BUSY = """\
chile-n0@gpu*@up@allocated+drain@16/0/0/16@1@64000@32768@gpu:a100:4@gpu:a100:4(IDX:0-3)@8:00:00@
chile-n1@gpu*@up@mixed@4/12/0/16@1@64000@8192@gpu:a100:4@gpu:a100:1(IDX:0)@8:00:00@
"""
CPU, GPU, GPUS = Need(2, 4096, 0), Need(4, 8192, 1), Need(8, 16384, 2)


def node(state="idle", cpus="0/16/0/16", threads="1", used="0", gres="gpu:a100:4", **other):
    """One line of sinfo, with some fields of one's own."""
    values = {
        "NodeList": "n0",
        "Partition": "gpu*",
        "Available": "up",
        "StateComplete": state,
        "CPUsState": cpus,
        "Threads": threads,
        "Memory": "64000",
        "AllocMem": used,
        "Gres": gres,
        "GresUsed": "gpu:a100:0(IDX:N/A)",
        "Time": "8:00:00",
    } | other
    return "@".join(values[field] for field in FIELDS) + "@\n"


def test_what_slurm_prints_is_what_is_free():
    view = parse(BUSY, "gpu")
    assert [view.free(need) for need in (CPU, GPU, GPUS)] == [6, 3, 1]
    assert (view.open, view.down, view.hours, view.partition) == (True, False, 8, "gpu")
    assert not view.possible(Need(2, 4096, 5))  # five GPUs on one node
    assert not view.possible(Need(17, 4096, 0))
    assert not view.possible(Need(1, 64001, 0))
    assert view.possible(Need(16, 64000, 4))  # now busy, but large enough


@pytest.mark.parametrize(
    ("line", "free"),
    [
        (node(), 4),
        (node(state="idle+planned"), 4),
        (node(state="mixed+completing"), 4),
        (node(state="idle+cloud"), 4),
        (node(used="60000"), 0),  # memory
        (node(cpus="14/2/0/16"), 0),  # cores
        (node(gres="(null)", GresUsed="gpu:0"), 0),
        (node(gres="gpu:4"), 4),  # no type
        (node(cpus="0/16/0/16", threads="8"), 2),  # Slurm hands out whole cores
        (node(state="idle+drain"), 0),
        (node(state="down+not_responding"), 0),
        (node(state="idle+not_responding"), 0),
        (node(state="idle*"), 4),
        (node(state="idle+maintenance"), 0),
        (node(state="idle+reserved"), 0),
        (node(state="idle+powered_down"), 0),
        (node(state="idle+something_new"), 0),
        (node(state="unknown"), 0),
        (node(Available="down"), 0),
        (node(Available="inact"), 0),
    ],
)
def test_a_node_is_free_only_when_slurm_would_use_it(line, free):
    assert parse(line).free(GPU) == free


@pytest.mark.parametrize(
    ("lines", "down"),
    [
        (node(), False),
        (node(state="allocated"), False),
        (node(state="idle+reserved"), False),
        (node(state="idle+powered_down"), False),
        (node(Available="down"), True),
        (node(Available="drain"), True),
        (node(state="down"), True),
        (node(state="idle+drain"), True),
        (node(state="idle+drain") + node(NodeList="n1", state="allocated"), False),
        (node(state="idle+drain") + node(NodeList="n1", state="down"), True),
    ],
)
def test_a_site_is_down_when_nothing_can_start(lines, down):
    assert parse(lines).down is down


def test_only_the_sites_own_partition_counts():
    lines = node() + node(NodeList="n1", Partition="debug", Time="30:00")
    assert len(parse(lines).nodes) == 1  # the default one
    assert parse(lines, "debug").hours == 0
    with pytest.raises(ValueError, match="no node of partition typo"):
        parse(lines, "typo")


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "\n",
        "slurm_load_partitions: Unable to contact slurm controller (connect failure)",
        BUSY[:-20],
        BUSY.replace("@", "|"),
        BUSY.replace("64000", "a lot"),
        BUSY.replace("16/0/0/16", "16"),
        BUSY.replace("8:00:00", "soon"),
        "<html>502 Bad Gateway</html>",
        node(NodeList="n0@n1"),
    ],
)
def test_garbage_is_no_answer(garbage):
    with pytest.raises(ValueError):
        parse(garbage, "gpu")


@given(st.text() | st.lists(st.sampled_from([*BUSY.split("@"), "@", "\n", "-1"])).map("@".join))
def test_any_text_is_a_view_or_no_answer(text):
    try:
        view = parse(text)
    except ValueError:
        return
    assert view.free(GPU) >= 0


@pytest.mark.parametrize(
    ("gres", "gpus"),
    [
        ("(null)", 0),
        ("gpu:4", 4),
        ("gpu:a100:4(S:0-1)", 4),
        ("gpu:a100:2(IDX:0,3),gpu:h100:1(IDX:2)", 3),
        ("craynetwork:4,gpu:tesla:no_consume:2", 2),
        ("gpumem:80,mps:400,shard:8", 0),
        ("gpu:a100:0(IDX:N/A)", 0),
    ],
)
def test_gpus_are_counted_whatever_their_type(gres, gpus):
    assert _gpus(gres) == gpus


@pytest.mark.parametrize(
    ("limit", "hours"),
    [
        ("8:00:00", 8),
        ("1-00:00:00", 24),
        ("2-12:30:00", 60),
        ("30:00", 0),
        ("infinite", None),
        ("UNLIMITED", None),
        ("n/a", None),
    ],
)
def test_a_time_limit_is_whole_hours(limit, hours):
    assert _hours(limit) == hours


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (
            "sbatch: Job 20 to start at 1795462354 using 2 processors on nodes n0 in partition gpu",
            1795462354,
        ),
        # A clock time is in a time zone that nobody named: better none than a wrong one.
        ("sbatch: Job 20 to start at 2026-11-23T12:30:00 using 2 processors", None),
        ("allocation failure: Requested node configuration is not available", None),
        ("sbatch: Job 20 to start at (null)", None),
        ("", None),
    ],
)
def test_slurms_estimate_is_read_or_unknown(words, start):
    assert parse_estimate(words) == start


# --- what a start page makes of it ----------------------------------------------------------

TITLE = {"es": "Título"}
NOW = 1_795_437_000


def silent():
    """What is known of a site that just did not answer."""
    return View(time.monotonic(), error="silent")


class Site:
    """A site that answered `lines`, with `waiting` jobs in its queue."""

    def __init__(self, lines, waiting=0, starts=None):
        async def never(command):
            raise AssertionError("a page must not ask a scheduler")

        queue = SiteQueue("site", never)
        jobs = {str(n): Job(str(n), "PENDING", partition="gpu") for n in range(waiting)}
        queue.latest = Snapshot(0, jobs)
        self.capacity = SiteCapacity("site", "gpu", queue, never)
        if isinstance(lines, str):
            lines = parse(lines, "gpu")
        self.capacity.view = lines() if callable(lines) else lines
        self.capacity.starts = lambda need, hours: starts


def offer(**profiles):
    """An offer of two sites; profiles by name: what they need."""
    return Offer(
        courses=[Course(name="ai", title=TITLE)],
        sites=[SiteTitle(name="chile", title=TITLE), SiteTitle(name="colombia", title=TITLE)],
        profiles=[
            Profile(name=name, title=TITLE, sites=["chile", "colombia"], **need)
            for name, need in profiles.items()
        ],
        languages=["es"],
    )


GPU_OFFER = offer(gpu={"gpus": 1, "cores": 4, "memory_gb": 8, "hours_max": 4})


def words(message):
    """The Spanish of one Message or of a list of them."""
    return " · ".join(m.render() for m in message) if isinstance(message, list) else message


@pytest.mark.parametrize(
    ("chile", "colombia", "suggested", "first", "line"),
    [
        # Room in both: no site starts before the other; the emptier one is suggested.
        (
            partial(Site, BUSY),
            partial(Site, BUSY + node(NodeList="n2")),
            "colombia",
            None,
            "3 libres · empieza ya",
        ),
        (
            partial(Site, node(state="allocated", cpus="16/0/0/16"), 2, NOW + 600),
            partial(Site, BUSY),
            "colombia",
            "colombia",
            "ninguna libre · 2 en espera · espera ~10 min",
        ),
        (
            partial(Site, BUSY, 1, NOW + 7000),
            partial(Site, BUSY, 1, NOW + 200_000),
            "chile",
            "chile",
            "3 libres · 1 en espera · espera ~2 h",
        ),
        (
            partial(Site, BUSY, 1, NOW + 5),
            partial(Site, BUSY, 1),
            "chile",
            None,
            "3 libres · 1 en espera · empieza ya",
        ),
        (partial(Site, node(state="down")), partial(Site, BUSY), "colombia", None, ""),
        (partial(Site, silent), partial(Site, silent), None, None, ""),
        (partial(Site, None), partial(Site, None), "chile", None, ""),
    ],
)
def test_the_site_that_starts_first_is_suggested(chile, colombia, suggested, first, line):
    # Made here: an answer is too old to count a while after pytest has read this file.
    shown = outlook(GPU_OFFER, {"chile": chile(), "colombia": colombia()}, NOW)
    profile = shown["profiles"]["gpu"]
    assert (profile["suggested"], profile["first"]) == (suggested, first)
    assert words(profile["sites"]["chile"]["texts"]) == line


def test_a_site_that_does_not_answer_is_shown_as_down_and_keeps_its_place():
    silent = Site(
        View(time.monotonic(), parse(BUSY, "gpu").nodes, "gpu", True, 8, error="no answer")
    )
    shown = outlook(GPU_OFFER, {"chile": silent, "colombia": Site(BUSY)}, NOW)
    assert shown["sites"]["chile"]["state"] == "down"
    assert "Fuera de servicio" in shown["sites"]["chile"]["text"].render()
    assert not shown["all_down"]
    assert outlook(GPU_OFFER, {"chile": silent, "colombia": silent}, NOW)["all_down"]


def test_an_answer_of_long_ago_says_nothing_about_now():
    long_ago = time.monotonic() - STALE - 1
    sites = {"chile": Site(parse(BUSY, "gpu", long_ago)), "colombia": Site(BUSY)}
    shown = outlook(GPU_OFFER, sites, NOW)
    assert [shown["sites"][name]["state"] for name in sites] == ["unknown", "up"]
    assert shown["profiles"]["gpu"]["sites"]["chile"]["texts"] == []
    # What it has at all does not change by the hour.
    big = offer(gpu8={"gpus": 8})
    assert within(big, sites, set()).profiles[0].sites == []


def test_a_site_without_slurm_is_offered_as_the_deployment_says():
    class Local:
        scheduler = "local"

    sites = {"chile": Local(), "colombia": Local()}
    assert within(GPU_OFFER, sites).choose({"site": "colombia", "hours": 4}).hours == 4
    shown = outlook(within(GPU_OFFER, sites), sites)
    assert shown["sites"]["chile"] == {"state": "local", "text": None}
    assert shown["profiles"]["gpu"]["suggested"] == "chile"


def test_what_no_node_can_hold_is_refused_and_told_the_operator_once(caplog):
    wide = offer(gpu8={"gpus": 8, "hours_max": 4}, cpu={"hours_max": 24})
    big = Site(node(gres="gpu:a100:8"))
    sites, told = {"chile": Site(BUSY), "colombia": big}, set()
    with caplog.at_level("WARNING", "JupyterHub.minga"):
        for _ in range(3):
            offered = within(wide, sites, told)
    assert [r.getMessage() for r in caplog.records].count(
        "site=chile profile gpu8 is not offered: no node is that large"
    ) == 1
    assert offered.choose({"profile": "gpu8"}).site == "colombia"
    with pytest.raises(SessionError, match=r"«chile».*«gpu8».*colombia"):
        offered.choose({"profile": "gpu8", "site": "chile"})
    # The lower of both limits holds, on the server too.
    assert offered.choose({"profile": "cpu", "hours": 8}).hours == 8
    with pytest.raises(SessionError, match="entre 1 y 8"):
        offered.choose({"profile": "cpu", "hours": 9})
    # Nobody has such a machine: a sentence, whatever is asked.
    alone = within(wide, {"chile": Site(BUSY), "colombia": Site(BUSY)}, told)
    with pytest.raises(SessionError, match="otros recursos"):
        alone.choose({"profile": "gpu8"})
    assert alone.choose({}).profile == "cpu"
    nothing = within(offer(gpu8={"gpus": 8}), {"chile": Site(BUSY), "colombia": Site(BUSY)}, told)
    with pytest.raises(SessionError, match="Ninguna sede"):
        nothing.choose({})


def test_a_lesson_that_takes_place_now_is_told_where_its_machines_are():
    window = {"reservation": "ai", "from": "09:00", "to": "11:00", "time_zone": "America/Santiago"}
    course = CourseOnSite(windows=[window | {"dates": ["2026-11-23"]}])
    zone = ZoneInfo("America/Santiago")

    def there(choice):
        return course if (choice.course, choice.site) == ("ai", "chile") else None

    during = datetime(2026, 11, 23, 10, tzinfo=zone)
    assert reserved(GPU_OFFER, there, during) == {"ai": ["chile"]}
    assert reserved(GPU_OFFER, there, during.replace(hour=12)) == {}


def test_until_the_cluster_has_answered_the_deployment_counts():
    wide = offer(gpu8={"gpus": 8, "hours_max": 24})
    sites = {"chile": Site(None), "colombia": Site(None)}
    assert within(wide, sites, set()).choose({"hours": 24}).site == "chile"


def test_the_command_is_a_fixed_list_that_no_shell_misreads():
    assert SINFO[0] == "sinfo"
    assert not set("|;&$`'\"<>*?!~#(){}\\ \n") & set("".join(SINFO))

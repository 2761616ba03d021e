"""The shared view of a queue: one query for all, three answers, places and reasons."""

import asyncio

import pytest

from spawners.listing import FIELDS, Comments, Listing, states
from spawners.messages import Message
from spawners.queue import Job, Life, SiteQueue, Snapshot
from spawners.reasons import OTHER, why
from tests.conftest import in_a_loop_of_its_own


class Scheduler:
    """Answers like a scheduler's query; counts how often it was asked."""

    def __init__(self, jobs=(), takes=0.0, error=None):
        self.jobs, self.takes, self.error, self.asked = list(jobs), takes, error, 0

    async def __call__(self):
        self.asked += 1
        await asyncio.sleep(self.takes)
        if self.error:
            raise self.error
        return self.jobs


@in_a_loop_of_its_own
async def test_five_hundred_sessions_share_one_query():
    scheduler = Scheduler([Job("1", "RUNNING")], takes=0.01)
    queue = SiteQueue("chile", scheduler)
    snapshots = await asyncio.gather(*(queue.snapshot(max_age=10) for _ in range(500)))
    assert scheduler.asked == 1
    assert {id(snapshot) for snapshot in snapshots} == {id(snapshots[0])}


@in_a_loop_of_its_own
async def test_who_watches_is_told_of_each_answer_and_it_comes_by_itself():
    scheduler = Scheduler([Job("1", "RUNNING")])
    queue = SiteQueue("chile", scheduler)
    first, second = [], []
    queue.watch(first.append, 0.1)
    queue.watch(second.append, 0.1)
    await asyncio.sleep(0.35)
    assert 3 <= scheduler.asked <= 4  # one question for both
    assert first == second and len(first) == scheduler.asked
    asked_by_somebody = await queue.snapshot(max_age=0)
    assert first[-1] is second[-1] is asked_by_somebody
    queue.unwatch(first.append)  # not the same bound method, but equal: as sessions do it
    scheduler.error = OSError("no munge")
    await asyncio.sleep(0.3)
    assert first[-1] is asked_by_somebody
    assert "no munge" in second[-1].error  # they see that nothing is known
    queue.unwatch(second.append)
    asked = scheduler.asked
    await asyncio.sleep(0.3)
    assert scheduler.asked == asked


@in_a_loop_of_its_own
async def test_a_slow_scheduler_is_asked_less():
    scheduler = Scheduler(takes=0.05)
    queue = SiteQueue("chile", scheduler)
    end = asyncio.get_running_loop().time() + 1
    while asyncio.get_running_loop().time() < end:
        await queue.snapshot(max_age=0)
    # Each query takes 0.05 s and is followed by a pause of at least four times that.
    assert 2 <= scheduler.asked <= 5


@pytest.mark.parametrize("error", [OSError("no munge"), RuntimeError("timed out"), ValueError("?")])
@in_a_loop_of_its_own
async def test_no_answer_is_unknown_and_never_gone(error):
    queue = SiteQueue("chile", Scheduler(error=error))
    snapshot = await queue.snapshot(max_age=0)
    assert snapshot.life("1", submitted=float("-inf"))[0] is Life.UNKNOWN


@in_a_loop_of_its_own
async def test_a_scheduler_that_hangs_is_unknown():
    queue = SiteQueue("chile", Scheduler(takes=60), timeout=0.05)
    snapshot = await queue.snapshot(max_age=0)
    assert snapshot.life("1", submitted=float("-inf"))[0] is Life.UNKNOWN
    assert "0 s" in snapshot.error


@in_a_loop_of_its_own
async def test_one_who_leaves_does_not_take_the_answer_from_the_others():
    queue = SiteQueue("chile", Scheduler([Job("1", "RUNNING")], takes=0.1))
    leaving = asyncio.ensure_future(queue.snapshot(max_age=0))
    staying = asyncio.ensure_future(queue.snapshot(max_age=0))
    await asyncio.sleep(0.01)
    leaving.cancel()
    assert "1" in (await staying).jobs


def test_a_job_that_the_query_could_not_see_yet_is_unknown():
    snapshot = Snapshot(asked=10.0, jobs={})
    assert snapshot.life("1", submitted=11.0)[0] is Life.UNKNOWN
    assert snapshot.life("1", submitted=9.0)[0] is Life.GONE


@pytest.mark.parametrize(
    ("state", "life"),
    [
        ("PENDING", Life.WAITING),
        ("REQUEUED", Life.WAITING),
        ("RUNNING", Life.RUNNING),
        ("SUSPENDED", Life.RUNNING),
        ("COMPLETING", Life.RUNNING),
        ("COMPLETED", Life.GONE),
        ("CANCELLED", Life.GONE),
        ("NODE_FAIL", Life.GONE),
        ("TIMEOUT", Life.GONE),
    ],
)
def test_what_a_state_means(state, life):
    assert Job("1", state).life is life


def test_a_place_counts_those_ahead_in_the_same_partition():
    waiting = [
        Job("5", "PENDING", partition="gpu", priority=10),
        Job("4", "PENDING", partition="gpu", priority=10),
        Job("9", "PENDING", partition="gpu", priority=99),
        Job("1", "PENDING", partition="cpu", priority=99),
        Job("2", "RUNNING", partition="gpu", priority=99),
    ]
    snapshot = Snapshot(0.0, {job.id: job for job in waiting})
    assert [snapshot.place(job) for job in waiting[:3]] == [3, 2, 1]


def answer(listing: Listing, *jobs: tuple[str, ...]) -> str:
    """What squeue prints for `listing` when these are the fields of its jobs."""
    template = listing.command[-1].removeprefix("--format=")
    text = ""
    for job in jobs:
        record = template
        for letter, value in zip(FIELDS, job, strict=True):
            record = record.replace(letter, value)
        text += record + "\n"
    return text


WAITS = "17 PENDING Resources n/a 1795426532 gpu 4294901757 N/A ana 1795426000".split()


def test_a_job_of_squeue():
    listing = Listing()
    (job,) = listing.jobs(answer(listing, tuple(WAITS)))
    assert (job.id, job.node, job.started, job.ends) == ("17", "", "1795426532", "")
    assert (job.user, job.since) == ("ana", "1795426000")
    assert listing.jobs("") == []


def test_what_decides_over_sessions_has_no_field_that_people_write():
    """A command line, and a mark in it, can be read by everybody on its machine."""
    written_by_people = {"%j", "%k", "%o", "%Z", "%w", "%f", "%n", "%x"}  # man squeue
    assert not written_by_people & set(FIELDS)


def test_what_others_write_into_their_jobs_is_read_as_it_is():
    comments = Comments()
    others = "|\nminga:x:y|\n\n18 +=\x1f"
    template = comments.command[-1].removeprefix("--format=")
    text = "".join(
        template.replace("%A", job).replace("%k", comment) + "\n"
        for job, comment in [("17", others), ("18", "minga:a:b"), ("19", "(null)")]
    )
    assert comments.read(text) == {"17": others, "18": "minga:a:b", "19": "(null)"}
    assert comments.read("") == {}
    with pytest.raises(ValueError):
        comments.read(text[:-20])
    assert Comments().command != comments.command  # nobody can have read the mark before


def test_a_job_that_is_stated_twice_is_no_answer():
    """scontrol writes comments as they are, newlines and all."""
    stated = "JobId=7 JobName=a\n   JobState=RUNNING Reason=None\n"
    forged = "JobId=9 JobName=b\n   JobState=RUNNING Reason=None\n   Comment=x\n"
    assert states(stated) == {"7": "RUNNING"}
    with pytest.raises(ValueError):
        states(stated + forged + stated.replace("RUNNING", "CANCELLED"))


@pytest.mark.parametrize("keep", [1, 10, 80, -2, -20])
def test_an_answer_that_is_cut_is_no_answer(keep):
    listing = Listing()
    with pytest.raises(ValueError):
        listing.jobs(answer(listing, tuple(WAITS))[:keep])


@pytest.mark.parametrize(
    "text", ["slurm_load_jobs error: …", "17|RUNNING|n0", "<html>502</html>\n", "\x00"]
)
def test_garbage_is_no_answer(text):
    with pytest.raises(ValueError):
        Listing().jobs(text)
    with pytest.raises(ValueError):
        states(text)


def test_the_states_that_scontrol_shows():
    text = "JobId=5 JobName=a\nJobId=9 x\n   UserId=r\n   JobState=RUNNING Reason=None\n\n"
    text += "JobId=6 JobName=minga\n   JobState=COMPLETED Reason=None\n"
    assert states(text)["6"] == "COMPLETED"
    assert states(text)["5"] == "RUNNING"
    assert states("No jobs in the system\n") == {}


# https://slurm.schedmd.com/job_reason_codes.html: those that a session without dependencies,
# arrays or federations can meet.
MET = """
AccountNotAllowed AssocGrpCpuLimit AssocGrpGRES AssocGrpGRESMinutes AssocGrpJobsLimit
AssocGrpMemLimit AssocGrpNodeLimit AssocMaxGRESPerJob AssocMaxJobsLimit
AssocMaxWallDurationPerJobLimit BadConstraints BeginTime Cleaning InvalidAccount InvalidQOS
JobHeldAdmin JobHeldUser JobHoldMaxRequeue MaxMemPerLimit NodeDown PartitionDown
PartitionInactive PartitionNodeLimit PartitionTimeLimit Priority Prolog QOSGrpCpuLimit
QOSGrpGRES QOSGrpJobsLimit QOSGrpMemLimit QOSJobLimit QOSMaxCpuPerUserLimit QOSMaxGRESPerUser
QOSMaxJobsPerUserLimit QOSMaxMemoryPerUser QOSMaxWallDurationPerJobLimit QOSNotAllowed
QOSTimeLimit ReqNodeNotAvail Reservation ReservationDeleted Resources SchedDefer
""".split()


@pytest.mark.parametrize("reason", MET)
def test_every_reason_that_a_student_can_meet_has_words(reason):
    assert why(reason) != OTHER


def test_reasons_with_details():
    maintenance = why("ReqNodeNotAvail, Reserved for maintenance")
    assert "mantenimiento" in maintenance.text
    assert why("(Nodes required for job are DOWN, DRAINED or reserved)") != OTHER
    assert why("SomethingNew") == OTHER
    assert isinstance(why(""), Message)


def test_all_sessions_share_a_site_and_its_queue():
    """traitlets copies configured values deeply: a copied site would be a queue of its own."""
    import copy

    from spawners.local import LocalSite
    from spawners.sites import SlurmSite

    for site in (SlurmSite("chile"), LocalSite("chile")):
        assert copy.deepcopy({"chile": site})["chile"] is site

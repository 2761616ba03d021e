"""A job keeps to its lesson, on a real Slurm: cut at its end, or let go on without it."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from spawners.choices import Choice
from spawners.lesson_session import LessonSession
from spawners.lessons import CourseOnSite
from spawners.local import LocalSite
from spawners.queue import Life
from spawners.sites import SlurmSite
from spawners.situation import situation
from tests.conftest import in_a_loop_of_its_own
from tests.spawners.private_slurm import slurm

CHOICE = Choice(course="ia", site="chile", profile="gpu", hours=4, language="es")


class Session(LessonSession):
    """What MingaSpawner has beside this part of it."""

    user = SimpleNamespace(name="root")
    choice = CHOICE
    job_id = ""
    saved = 0

    @property
    def site(self):
        return self.sites["chile"]

    def _save_state(self):
        self.saved += 1

    async def look(self) -> Life:
        """One round of what the spawner does while it waits."""
        snapshot = await self.site.queue.snapshot(max_age=0)
        life, job = snapshot.life(self.job_id, float("-inf"))
        await self._keep_to_lesson(life, job)
        return life


def course(ends: datetime, **more) -> CourseOnSite:
    """A course whose lesson ends at `ends`, in a place where it is about noon."""
    shift = ends.hour - 12
    local = ends - timedelta(hours=shift)
    window = {
        "reservation": "clase",
        "dates": [local.date()],
        "from": "00:00",
        "to": f"{local:%H:%M:%S}",
        "time_zone": f"Etc/GMT{shift:+d}",
    }
    return CourseOnSite(windows=[window | more])


def session(site, ends: datetime) -> Session:
    made = Session()
    made.sites = {"chile": site}
    made.course_on_site = lambda choice: course(ends)
    made._agree()
    return made


def in_minutes(minutes: float) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


def test_a_restarted_hub_knows_the_lesson():
    site = SlurmSite("chile")
    before, after = session(site, in_minutes(40)), Session()
    assert before.terms.reservation == "clase"
    assert before._time_limit() in ("39", "40")
    after._load_lesson(before._lesson_state())
    assert after.in_lesson == before.in_lesson
    said = after._with_lesson(situation("Santiago", "", None, None, told=False)).message.render()
    assert said.startswith("Pidiendo una máquina… Usas las máquinas reservadas para tu curso; ")
    after._load_lesson({})
    assert after.in_lesson is None


def test_no_lesson_without_slurm_or_outside_it():
    assert session(LocalSite("chile"), in_minutes(40)).terms.reservation == ""
    outside = session(SlurmSite("chile"), in_minutes(-1))
    assert outside.terms.reservation == ""
    assert outside._time_limit() == "4:00:00"
    assert outside._lesson_state() == {}


@pytest.fixture
def lesson(clusters):
    """A real reservation of one node, and a function that submits a job of two GPUs to it."""
    cluster = clusters["chile"]
    slurm(cluster, "scontrol", "create", "reservation", "ReservationName=clase", "StartTime=now",
          "Duration=60", "Users=root", "Nodes=chile-n0", "Flags=DAILY")  # fmt: skip
    jobs = []

    def submit(minutes: str) -> str:
        command = ["sbatch", "--parsable", "--output=/dev/null", "--reservation=clase"]
        command += ["--gres=gpu:4", f"--time={minutes}", "--wrap=sleep 300"]
        jobs.append(slurm(cluster, *command).stdout.strip())
        return jobs[-1]

    yield SimpleNamespace(
        submit=submit,
        site=SlurmSite("chile", environment=cluster.environment()),
        shown=lambda job: slurm(cluster, "squeue", "-hj", job, "-o", "%T|%l|%v").stdout.strip(),
    )
    slurm(cluster, "scancel", *jobs)
    time.sleep(1)
    slurm(cluster, "scontrol", "delete", "ReservationName=clase")


async def until(session: Session, life: Life) -> None:
    end = time.monotonic() + 20
    while await session.look() is not life:
        assert time.monotonic() < end
        await asyncio.sleep(0.1)


@pytest.mark.slow
@in_a_loop_of_its_own
async def test_who_gets_a_machine_late_has_it_until_the_end_of_the_lesson(lesson):
    late = session(lesson.site, in_minutes(30))
    late.in_lesson.ends -= 600  # as if it had waited for ten minutes
    late.job_id = lesson.submit(late._time_limit())
    await until(late, Life.RUNNING)
    await late.look()
    assert lesson.shown(late.job_id) in ("RUNNING|19:00|clase", "RUNNING|20:00|clase")
    assert late.saved == 1


@pytest.mark.slow
@in_a_loop_of_its_own
async def test_who_waits_when_the_lesson_ends_goes_on_as_everybody(lesson):
    first, second = (session(lesson.site, in_minutes(30)) for _ in range(2))
    first.job_id = lesson.submit(first._time_limit())
    await until(first, Life.RUNNING)
    second.job_id = lesson.submit(second._time_limit())
    await until(second, Life.WAITING)
    assert second.in_lesson
    assert lesson.shown(second.job_id).endswith("|clase")
    second.in_lesson.ends = time.time() - 1
    await until(second, Life.RUNNING)  # on the other node
    assert second.in_lesson is None
    assert lesson.shown(second.job_id).endswith("|(null)")
    assert "clase" in lesson.shown(first.job_id)


@pytest.mark.slow
@in_a_loop_of_its_own
async def test_who_starts_after_the_lesson_keeps_the_time_that_was_chosen(lesson):
    """Also if the hub did not see that Slurm let it go on meanwhile."""
    after = session(lesson.site, in_minutes(30))
    after.job_id = lesson.submit(after._time_limit())
    limit = lesson.shown(after.job_id).split("|")[1]
    after.in_lesson.ends = time.time() - 60
    await until(after, Life.RUNNING)
    await after.look()
    assert after.in_lesson is None
    assert lesson.shown(after.job_id).split("|")[1] == limit


@pytest.mark.slow
@in_a_loop_of_its_own
async def test_a_job_that_starts_while_it_leaves_its_lesson_has_left_it(lesson):
    """Slurm takes the first order, starts the job, and refuses to release what is not held."""
    job = lesson.submit("10")
    session_of_it = session(lesson.site, in_minutes(30))
    session_of_it.job_id = job
    await until(session_of_it, Life.RUNNING)
    await lesson.site.leave_reservation("root", job)


@pytest.mark.slow
@in_a_loop_of_its_own
async def test_a_scheduler_that_refuses_is_asked_again_later_and_ends_nothing(lesson, caplog):
    late = session(lesson.site, in_minutes(30))
    late.job_id = lesson.submit(late._time_limit())
    await until(late, Life.RUNNING)
    late.in_lesson.ends -= 600
    late.site.environment = {**late.site.environment, "SLURM_CONF": "/dev/null"}
    snapshot = late.site.queue.latest
    job = snapshot.jobs[late.job_id]
    for _ in range(3):
        await late._keep_to_lesson(Life.RUNNING, job)
    assert caplog.text.count("could not keep to its lesson") == 1
    assert late.in_lesson

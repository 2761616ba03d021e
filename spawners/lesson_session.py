"""A session in a lesson of its course: handed in with the course's reservation, ended with it.

What Slurm does by itself (22.05, seen): it starts a job whose time limit goes beyond the end of
its reservation, and ends it with the reservation; one that still waits then is held for ever, or
waits for the reservation's next time, a week later. So the hub shortens the first, whose end is
then the same for Slurm, the warnings and the pages, and takes the second out of the reservation,
into the queue that everybody has.
"""

import dataclasses
import time
from datetime import UTC, datetime

from traitlets import Callable
from traitlets.config import LoggingConfigurable

from .lessons import CourseOnSite, Terms
from .messages import Message
from .queue import Job, Life
from .sites import SchedulerError
from .situation import Situation

RESERVED = Message("Usas las máquinas reservadas para tu curso.")
UNTIL_THE_END = Message(
    "Usas las máquinas reservadas para tu curso; tu sesión termina con la clase, a las {time} "
    "(hora de {place})."
)
RETRY_SECONDS = 30
# A job that lost its reservation (scontrol delete, or its end) is held in this state.
HELD = "RESV_DEL_HOLD"


@dataclasses.dataclass
class InLesson:
    """The lesson that a session was handed in for; kept in the hub's database."""

    ends: float  # seconds since 1970
    limit_minutes: int  # the time limit that the job has
    cut: bool  # the limit is the lesson's end, not what was chosen
    clock: str  # the lesson's end as its place writes it, e.g. 11:00
    place: str  # e.g. Santiago
    qos_after: str = ""  # what a job that still waits then changes to: the lesson's has a quota


class LessonSession(LoggingConfigurable):
    """The part of MingaSpawner that knows what its course has on its site."""

    course_on_site = Callable(
        lambda choice: None,
        help="Choice -> CourseOnSite: what the chosen course has on the chosen site; or None.",
    ).tag(config=True)

    account_of = Callable(
        lambda spawner, place, account: account,
        help="(spawner, what has a course and a site, the course's account there) -> the Slurm "
        "account of this person's sessions: their institution may have one of its own.",
    ).tag(config=True)

    terms = Terms()  # what this start is handed in with
    in_lesson: InLesson | None = None
    _next_try = 0.0  # time.monotonic()

    def _agree(self) -> None:
        """Find the terms of a start that happens now."""
        course: CourseOnSite | None = self.course_on_site(self.choice)
        if course is None or self.sites[self.choice.site].scheduler != "slurm":
            self._take(Terms())
        else:
            self._take(course.terms(datetime.now(UTC), self.choice.hours))

    def _take(self, terms: Terms) -> None:
        if terms.account:
            account = self.account_of(self, self.choice, terms.account)
            terms = dataclasses.replace(terms, account=account)
        self.terms, self.in_lesson = terms, None
        if terms.reservation:
            end, zone = terms.lesson.end, terms.lesson.window.zone
            own = self.course_on_site(self.choice).qos
            self.in_lesson = InLesson(
                ends=end.timestamp(),
                limit_minutes=terms.minutes or self.choice.hours * 60,
                cut=bool(terms.minutes),
                clock=f"{end.astimezone(zone):%H:%M}",
                place=zone.key.rsplit("/", 1)[-1].replace("_", " "),
                qos_after=own if own != terms.qos else "",
            )

    def _time_limit(self) -> str:
        """Return the job's time limit as sbatch reads it."""
        return str(self.terms.minutes) if self.terms.minutes else f"{self.choice.hours}:00:00"

    async def _hand_in(self, site, environment: dict) -> str:
        """Submit the job and return its id; a reservation that is not there stops nobody.

        Raises SchedulerError.
        """
        arguments = environment, self.home(self)
        files = (self.certificate_files or {}) | (self.tunnel_files or {})
        try:
            return await site.submit(
                self.user.name, self.script(environment), *arguments, files=files
            )
        except SchedulerError as error:
            if not self.terms.reservation or "reservation" not in str(error).lower():
                raise
            self.log.error("goes without reservation=%s: %s", self.terms.reservation, error)
            course = self.course_on_site(self.choice)
            self._take(Terms(course.account, course.qos))
            return await site.submit(
                self.user.name, self.script(environment), *arguments, files=files
            )

    async def _keep_to_lesson(self, life: Life, job: Job | None) -> None:
        """Shorten a job that just started, or let one go on without its lesson; see above."""
        lesson = self.in_lesson
        if lesson is None or time.monotonic() < self._next_try:
            return
        self._next_try = time.monotonic() + RETRY_SECONDS
        try:
            if life is Life.RUNNING:
                started = float(job.started or time.time())
                if started >= lesson.ends:
                    self._leave_lesson("it started after its end")
                    return
                minutes = max(1, int((lesson.ends - started) // 60))
                if minutes < lesson.limit_minutes:
                    await self.site.shorten(self.user.name, self.job_id, minutes)
                    lesson.limit_minutes, lesson.cut = minutes, True
                    self._save_state()
                    self.log.info("shortened to %d minutes, the end of its lesson", minutes)
            elif life is Life.WAITING and (time.time() >= lesson.ends or job.state == HELD):
                await self.site.leave_reservation(self.user.name, self.job_id, lesson.qos_after)
                self._leave_lesson("its reservation has ended")
                return
            self._next_try = 0.0
        except (SchedulerError, OSError, TimeoutError) as error:
            self.log.warning("could not keep to its lesson: %s", error)

    def _leave_lesson(self, why: str) -> None:
        self.in_lesson, self._next_try = None, 0.0
        self._save_state()
        self.log.info("left its lesson: %s", why)

    def _lesson_needs(self, job: Job) -> bool:
        """Return whether its lesson may ask for something though the queue shows nothing new."""
        if self.in_lesson is None:
            return False
        return job.life is Life.WAITING or self._next_try > 0  # its end; an order to repeat

    def _lesson_state(self) -> dict:
        return {"lesson": dataclasses.asdict(self.in_lesson)} if self.in_lesson else {}

    def _load_lesson(self, state: dict) -> None:
        self.in_lesson = InLesson(**state["lesson"]) if state.get("lesson") else None

    def _with_lesson(self, now: Situation) -> Situation:
        """Return the pending page's line with a sentence about the lesson."""
        lesson = self.in_lesson
        if lesson is None:
            return now
        note = RESERVED
        if lesson.cut:
            note = UNTIL_THE_END.filled(time=lesson.clock, place=lesson.place)
        text = Message("{situation} {note}", {"situation": now.message, "note": note})
        return dataclasses.replace(now, message=text)

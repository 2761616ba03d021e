"""GPU-hours: what a person and their course still have at a site, as the site's Slurm counts them.

Slurm keeps the quota itself: `GrpTRESMins=gres/gpu=…` of the association of a course (its Slurm
account) and of a person in it (hub_config/account_plan.py). slurmctld tells the numbers that it
decides by, so nothing is added up here; they are asked for all people of a site at once.

With `AccountingStorageEnforce=safe` Slurm starts a job only if its whole time limit fits into what
is left, and holds that time while it runs. So do we: what open sessions may still use is not left.
https://slurm.schedmd.com/resource_limits.html
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Sequence
from collections.abc import Callable as Function
from datetime import UTC, datetime
from typing import NamedTuple

from traitlets import Callable
from traitlets.config import LoggingConfigurable

from . import logs
from .choices import Choice, Offer
from .messages import Message, SessionError
from .metrics import FAILURES

REFRESH = 5  # seconds that an answer counts as of now, for pages
STALE = 120  # seconds after which an old answer says nothing any more
PATIENCE = 5  # seconds that a person who presses start waits for a fresh answer
GENTLY = 5  # the next question waits so many times as long as the last one took

# An account's or a person's; what counts in a single partition is somebody else's business.
RECORD = re.compile(
    r"^ClusterName=\S* Account=(\S*) UserName=([^\s(]*)\S* Partition=(\S*)", re.MULTILINE
)
LIMIT = re.compile(r"\bGrpTRESMins=(?:\S*,)?gres/gpu=(\d+)\((\d+)\)")
RUNNING = re.compile(r"\bGrpTRESRunMins=(?:\S*,)?gres/gpu=(?:N|\d+)\((\d+)\)")


class Hours(NamedTuple):
    """A quota and what of it is gone, in GPU-minutes."""

    limit: int
    used: int = 0
    running: int = 0  # what the jobs that run now may still use

    @property
    def left(self) -> int:
        """GPU-minutes that a new session may use."""
        return max(0, self.limit - self.used - self.running)


def question(accounts: Sequence[str]) -> list[str]:
    """Return the command that asks for the associations of `accounts`, with their usage."""
    named = f"accounts={','.join(accounts)}"
    return ["scontrol", "--oneliner", "show", "assoc_mgr", named, "flags=assoc"]


def read(answer: str) -> dict[tuple[str, str], Hours | None]:
    """Return the quotas in scontrol's answer by (account, user); user "": the whole account.

    None for an association without a limit of gres/gpu.
    """
    found = {}
    _, *parts = RECORD.split(answer)  # account, user, partition, the rest of the record; again …
    for account, user, partition, record in zip(*(parts[i::4] for i in range(4)), strict=True):
        if partition:
            continue
        limit, running = LIMIT.search(record), RUNNING.search(record)
        held = int(running[1]) if running else 0
        found[account, user] = Hours(int(limit[1]), int(limit[2]), held) if limit else None
    return found


class SiteQuota:
    """The quotas of one site: one answer for everybody, asked in the background.

    `ask` runs a command on the site and returns (its output, its error output); it raises
    RuntimeError or OSError when the command fails.
    """

    def __init__(
        self,
        site: str,
        accounts: Sequence[str],
        ask: Function[[Sequence[str]], Awaitable[tuple[str, str]]],
        timeout: float = 10,
    ):
        self.accounts = list(accounts)
        self.timeout = timeout  # seconds that a scheduler may take to answer
        self._ask = ask
        self._log = logs.of_site(site)
        self._known: dict[tuple[str, str], Hours | None] = {}
        self._asked = self._tried = float("-inf")  # time.monotonic()
        self._took = 0.0
        self._error = ""
        self._task: asyncio.Task | None = None

    def look(self, max_age: float = REFRESH, gently: bool = True) -> None:
        """Ask in the background if the last answer is older than `max_age` seconds."""
        running = self._task is not None and not self._task.done()
        enough = max(max_age, GENTLY * self._took) if gently else max_age
        if not running and time.monotonic() - self._tried > enough:
            self._task = asyncio.get_running_loop().create_task(self._query())

    async def answer(
        self, max_age: float = REFRESH, patience: float = PATIENCE, gently: bool = True
    ) -> None:
        """Wait until an answer is at most `max_age` seconds old, for `patience` at most."""
        self.look(max_age, gently)
        if self._task is not None and not self._task.done():
            await asyncio.wait([self._task], timeout=patience)

    def of(
        self, account: str, user: str, each: int | None = None
    ) -> tuple[Hours | None, Hours | None]:
        """Return what is known of the person's quota in an account, and of the account's own.

        `each` are the minutes of a person who is not in it yet: the first session puts them there.
        """
        if time.monotonic() - self._asked > STALE:
            return None, None
        new = Hours(each) if each else None
        own = self._known.get((account, user), new) if user else None
        return own, self._known.get((account, ""))

    async def _query(self) -> None:
        began = self._tried = time.monotonic()
        try:
            async with asyncio.timeout(self.timeout):
                answer, _ = await self._ask(question(self.accounts))
            self._known, self._asked, error = read(answer), began, ""
        except (TimeoutError, OSError, RuntimeError) as failure:
            error = str(failure) or f"no answer within {self.timeout:.0f} s"
        self._took = time.monotonic() - began
        if error and error != self._error:
            self._log.warning("GPU-hours are not known: scontrol: %s", error)
        self._error = error


def line(own: Hours | None, course: Hours | None) -> Message | None:
    """Return what the start page says before anything is chosen: the quotas that bind.

    The person's own; and the course's, if there is no other or it ends sooner.
    """
    if own is None:
        return _said(course, COURSES) if course else None
    if course is None or own.left <= course.left:
        return _said(own, OWN)
    return BOTH.filled(own=_said(own, OWN), course=_said(course, COURSES))


# Of a quota with more than one whole hour left, with one, with less than one, with nothing.
OWN = (
    Message("Te quedan {left} de {limit} horas de GPU"),
    Message("Te queda 1 de {limit} horas de GPU"),
    Message("Te queda menos de 1 de {limit} horas de GPU"),
    Message("No te quedan horas de GPU (tenías {limit})"),
)
COURSES = (
    Message("Al curso le quedan {left} de {limit} horas de GPU"),
    Message("Al curso le queda 1 de {limit} horas de GPU"),
    Message("Al curso le queda menos de 1 de {limit} horas de GPU"),
    Message("Al curso no le quedan horas de GPU (tenía {limit})"),
)

BOTH = Message("{own}. {course}.")


def _said(hours: Hours, sentences: tuple[Message, ...]) -> Message:
    left, limit = hours.left // 60, hours.limit // 60
    many, one, less, none = sentences
    if left > 1:
        return many.filled(left=left, limit=limit)
    return (one if left else less if hours.left else none).filled(limit=limit)


NO_HOURS = Message("{line} en {site}. {advice}")
TOO_LONG = Message("{line} en {site}, y esta sesión usaría {needed}. {shorter}")
ASK = Message("Pide más a tu instructor o instructora, o elige otra sede.")
ASK_OR_CPU = Message(
    "Pide más a tu instructor o instructora, elige otra sede, o sigue con una máquina sin GPU."
)
NOT_LONGER = Message("No se puede alargar tu sesión. {line}.")
SHORTER = Message(
    "Elige menos horas o menos GPU. El tiempo que les queda a las sesiones abiertas ya está "
    "descontado."
)


def refusal(hours: Hours, own: bool, needed: int, site: str, machines: set[int]) -> Message:
    """Return what a person reads whose session would use more GPU-minutes than are left.

    `machines`: how many GPUs those have that may be chosen at that site.
    """
    said, cpu = _said(hours, OWN if own else COURSES), 0 in machines
    if hours.left < 60 * min(machines - {0}):  # not even the smallest session
        return NO_HOURS.filled(line=said, site=site, advice=ASK_OR_CPU if cpu else ASK)
    return TOO_LONG.filled(line=said, site=site, needed=-(-needed // 60), shorter=SHORTER)


class _Place(NamedTuple):
    course: str
    site: str


async def _nothing(spawner) -> None:
    """Leave Slurm's accounts as they are."""


class QuotaSession(LoggingConfigurable):
    """The part of MingaSpawner that shows and keeps to GPU-hours."""

    enroll = Callable(
        _nothing,
        help="async, spawner -> None: puts the person of a start into its Slurm account, if "
        "Minga keeps that. It raises nothing.",
    ).tag(config=True)
    first_minutes = Callable(
        lambda spawner, place: None,
        help="(spawner, what has a course and a site) -> the GPU-minutes that a person gets with "
        "the first session there; None: no limit.",
    ).tag(config=True)

    def _hours(self, place) -> tuple[Hours | None, Hours | None]:
        """Return the quotas, own and of the course, where `place` (a Choice, e.g.) would run."""
        site = self.sites[place.site]
        quota, there = getattr(site, "quota", None), self.course_on_site(place)
        if quota is None or there is None or not there.account:
            return None, None
        account = self.account_of(self, place, there.account)
        return quota.of(account, site.runs_as(self.user.name), self.first_minutes(self, place))

    def hours_left(self, offer: Offer) -> dict[str, dict[str, Message]]:
        """Return what the start page says of GPU-hours, by course and site; from what is known."""
        found = {}
        for site in offer.sites:
            quota = getattr(self.sites.get(site.name), "quota", None)
            if quota is None:
                continue
            quota.look()
            for course in offer.courses:
                if said := line(*self._hours(_Place(course.name, site.name))):
                    found.setdefault(course.name, {})[site.name] = said
        return found

    async def _first_hours(self, patience: float = 1) -> None:
        """Wait for the sites' answers, so that the page has them when it opens."""
        quotas = [getattr(site, "quota", None) for site in self.sites.values()]
        waiting = (quota.answer(patience=patience) for quota in quotas if quota is not None)
        await asyncio.gather(*waiting)

    async def _keep_to_hours(self, choice: Choice) -> None:
        """Refuse a session that would use more than is left: Slurm would let it wait for ever.

        Raises SessionError. Where the site does not say, Slurm alone decides.
        """
        offer = self.offers(self)
        profile, there = offer.profile(choice.profile), self.course_on_site(choice)
        quota = getattr(self.sites[choice.site], "quota", None)
        if not profile.gpus or quota is None or there is None:
            return
        await quota.answer()
        minutes = there.terms(datetime.now(UTC), choice.hours).minutes or choice.hours * 60
        needed = minutes * profile.gpus
        if any(hours and needed > hours.left for hours in self._hours(choice)):
            # A session that just ended gives back what it did not use.
            await quota.answer(max_age=0, gently=False)
        for hours, own in zip(self._hours(choice), (True, False), strict=True):
            if hours is None or needed <= hours.left:
                continue
            machines = {other.gpus for other in offer.profiles if choice.site in other.sites}
            titles = {site.name: site.title for site in offer.sites}[choice.site]
            title = titles.get(choice.language, titles["es"])
            self.last_error = refusal(hours, own, needed, title, machines)
            FAILURES.labels(choice.site, "gpu_hours").inc()
            raise SessionError(self.last_error, reason="gpu_hours", status_code=400)

    async def _hours_lack(self, minutes: int) -> Message | None:
        """Return why the running session cannot be `minutes` longer, None if it can.

        Slurm lets its operators lengthen a job beyond the quota.
        """
        quota = getattr(self.site, "quota", None)
        if quota is None:
            return None
        chosen = self.orm_spawner.user_options if self.orm_spawner else None
        try:
            choice = self.offers(self).choose(chosen or {})
            profile = self.offers(self).profile(choice.profile)
        except SessionError:  # it was started with what is not offered any more
            return None
        if not profile.gpus:
            return None
        await quota.answer()
        for hours, sentences in zip(self._hours(choice), (OWN, COURSES), strict=True):
            if hours and minutes * profile.gpus > hours.left:
                return NOT_LONGER.filled(line=_said(hours, sentences))
        return None

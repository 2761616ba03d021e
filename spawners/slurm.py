"""The spawner: batchspawner's SlurmSpawner, made fit for a classroom.

What stays is batchspawner's class, its `req_*` traits and its job template, so that an
operator's experience carries over. What is replaced: commands are argument lists and never
shell strings; the choices of a student are validated into typed values; all sessions share one
view of a site's queue; a scheduler that does not answer never ends a session; a started server
tells its port and nothing else.
"""

import asyncio
import contextlib
import hashlib
import hmac
import shlex
import time
from pathlib import Path

from batchspawner import SlurmSpawner
from batchspawner.batchspawner import format_template
from traitlets import Any, Bool, Callable, Dict, Float, List, Unicode

from . import announcement, outlook, session_time_api, start_form  # noqa: F401 (handlers)
from .certificates import InternalTLS
from .choices import Choice, Offer
from .doors import TunnelledSession
from .endings import ENDED, ENDINGS, TRY_AGAIN
from .lesson_session import LessonSession
from .messages import Message, SessionError
from .metrics import FAILURES, SpawnClock
from .observed import Observed
from .ownership import OwnedSession
from .queue import Job, Life, Snapshot
from .quota import QuotaSession
from .session_time import TimedSession
from .sites import JOB_NAME, SchedulerError, refusal
from .situation import Situation, situation

PORT_PROGRAM = Path(__file__).with_name("port.py")


class _AskFirst(Exception):
    """A link to the start page with some choices in it: show the form, start nothing."""

    jupyterhub_message = ""


class MingaSpawner(
    Observed,
    OwnedSession,
    TimedSession,
    LessonSession,
    QuotaSession,
    TunnelledSession,
    InternalTLS,
    SlurmSpawner,
):
    """One session: a notebook server in a job on one of the sites."""

    sites = Dict(help="The sites by name: SlurmSite or LocalSite objects.").tag(config=True)
    offers = Callable(
        lambda spawner: None,
        help="spawner -> Offer: what this person may choose from.",
    ).tag(config=True)
    session_environment = Callable(
        lambda spawner, choice: {},
        help="(spawner, Choice) -> the environment variables that a session gets.",
    ).tag(config=True)
    home = Callable(
        lambda spawner: str(Path.home()),
        help="spawner -> absolute path of this person's home folder on the site.",
    ).tag(config=True)
    shared_account = Bool(
        False,
        help="All sessions run as the hub's own Unix account: for a try-out on one machine only.",
    ).tag(config=True)
    translations = Callable(
        lambda message: {"es": message.render()},
        help="Message -> the sentence in each language.",
    ).tag(config=True)
    answer_timeout = Float(
        180, help="Seconds that a *started* job may take until its server answers."
    ).tag(config=True)
    queue_interval = Float(
        0.6, help="Seconds between looks at the queue while somebody waits."
    ).tag(config=True)
    idle_interval = Float(20, help="Seconds that an answer about running sessions may be old.").tag(
        config=True
    )

    # Waiting in the queue has no time limit but the student's own; `answer_timeout` is what a
    # started job has. JupyterHub's limit covers both, so it must not end a place in the queue.
    start_timeout = 60 * 60 * 24 * 30
    poll_interval = 20
    _port_told: asyncio.Event | None = None  # while a port is waited for
    # The hub's retries of a server that said it is ready are few, and each is quick.
    http_timeout = 60
    req_homedir = Unicode()

    site_name = Unicode(help="The site that has this session's job.")
    submitted = Float(
        float("-inf"),
        help="time.monotonic() when this hub handed the job in; -inf: an earlier hub.",
    )
    job_started = Unicode(
        help="When the job got the node that its server's port is on, as Slurm writes it; another "
        "value later means that Slurm moved it (requeued) and its server has another port."
    )
    token_sha256 = Unicode(
        help="SHA-256 of this session's API token: a restarted hub does not know the token itself."
    )
    job: Job | None = None  # as the queue last showed it
    last_error = Any(help="The Message of the last refused choice or failed start, or None.")
    prologue_lines = List(Unicode(), help="Lines of the batch script before the server.").tag(
        config=True
    )

    batch_script = Unicode(
        """#!/bin/bash
#SBATCH --job-name={{job_name}}
{% if comment %}#SBATCH --comment={{comment}}
{% endif %}#SBATCH --output={{homedir}}/.minga/session-{{site}}-%j.log
#SBATCH --chdir={{homedir}}
#SBATCH --export=ALL
#SBATCH --time={{runtime}}
#SBATCH --signal=B:USR1@60
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task={{nprocs}}
#SBATCH --mem={{memory}}
{% if partition %}#SBATCH --partition={{partition}}
{% endif %}{% if account %}#SBATCH --account={{account}}
{% endif %}{% if qos %}#SBATCH --qos={{qos}}
{% endif %}{% if reservation %}#SBATCH --reservation={{reservation}}
{% endif %}{% if gres %}#SBATCH --gres={{gres}}
{% endif %}
{{prologue}}
# The server takes it when it is there (hub_config/jupyter/session_time); before, it would end.
trap '' USR1
exec {{cmd}}
"""
    ).tag(config=True)

    # --- what may be chosen -----------------------------------------------------------------

    def offer(self) -> dict:
        """Return what the start page shows: this person's Offer as plain data, and its frame."""
        offer = self._offered()
        last = self.orm_spawner.user_options if self.orm_spawner else None
        previous = start_form.remembered(offer, last, self.wishes)
        schedulers = {site.scheduler for site in self.sites.values()}
        return {
            **offer.model_dump(),
            "previous": previous,
            "outlook": {
                **outlook.outlook(offer, self.sites),
                "reserved": outlook.reserved(offer, self.course_on_site),
                "hours_left": self.hours_left(offer),
            },
            "scheduler": "slurm" if "slurm" in schedulers else "local",
            "shared_account": self.shared_account,
        }

    def _offered(self) -> Offer:
        """Return what this person may choose from, within what the clusters can do at all."""
        return outlook.within(self.offers(self), self.sites)

    async def options_form(self, spawner) -> str:
        """Wait for the clusters' first answer after the hub's start, a second at most.

        Stock asks for a form only if there is one; the start page draws the form itself.
        """
        self.outlook()
        await asyncio.gather(outlook.first_answers(self.sites), self._first_hours())
        return "minga"

    def outlook(self) -> dict:
        """Return what is free where, as last known; the sites are asked while somebody looks."""
        offer = self._offered()
        outlook.look(offer, self.sites)
        return {**outlook.outlook(offer, self.sites), "hours_left": self.hours_left(offer)}

    def _options_from_form(self, form: dict[str, list[str]]) -> dict:
        """Turn the posted form into a Choice, as the JSON object that the hub remembers."""
        fields = {key: values for key, values in form.items() if key != "_xsrf"}
        return self._chosen(fields).model_dump()

    async def _allowed_options(self, form: dict[str, list[str]]) -> dict:
        """Return the posted form's Choice if its GPU-hours are there; SessionError otherwise."""
        options = self._options_from_form(form)
        await self._keep_to_hours(Choice(**options))
        return options

    options_from_form = _allowed_options

    def options_from_query(self, query: dict[str, list[str]]):
        """Show the form with what a link like `/hub/spawn?course=…&assignment=…` wishes chosen.

        JupyterHub would start a session at once: a link on any page could take a GPU.
        """
        self.wishes = {
            key: values[0] for key, values in query.items() if key in Choice.model_fields
        }
        course, assignment = (query.get(key, [""])[0] for key in ("course", "assignment"))
        profile = self.profile_of(course, assignment)
        if profile:
            self.wishes.setdefault("profile", profile)
        raise _AskFirst

    profile_of = Callable(
        lambda course, assignment: None,
        help="The profile that an assignment asks for, or None; a link to it has that chosen.",
    ).tag(config=True)
    wishes = Dict(help="What a link asked the form to have chosen; not validated, only compared.")

    def _chosen(self, wishes: dict) -> Choice:
        offer = self._offered()
        try:
            choice = offer.choose(wishes)
        except SessionError as error:
            self.last_error = error.text
            FAILURES.labels("", error.reason).inc()
            raise
        self.last_error = None
        return choice

    def _apply_choice(self, spawner, user_options: dict) -> None:
        """Validate what the form or the REST API asked for: JupyterHub's place to do it."""
        self.choice = self._chosen(user_options or {})

    async def _apply_allowed(self, spawner, user_options: dict) -> None:
        """Do the same, and refuse what GPU-hours do not suffice for."""
        self._apply_choice(spawner, user_options)
        await self._keep_to_hours(self.choice)

    apply_user_options = _apply_allowed

    choice = Any(help="The validated Choice of this start.")

    # --- state that survives the hub --------------------------------------------------------

    def get_state(self):
        """Return what a restarted hub needs to find this session again."""
        state = super().get_state() | self._time_state() | self._tag_state()
        if self.door:
            state["door"] = self.door
        if self.job_id:
            state |= {
                "site": self.site_name,
                "port": self.port,
                "job_started": self.job_started,
                "token_sha256": self.token_sha256,
                **self._lesson_state(),
            }
        return state

    def load_state(self, state):
        """Take up a session that an earlier hub started."""
        super().load_state(state)
        self.site_name = state.get("site", "")
        self.port = state.get("port", 0)
        self.job_started = state.get("job_started", "")
        self.token_sha256 = state.get("token_sha256", "")
        self.door = state.get("door", "")
        self._load_lesson(state)
        self._load_time(state)
        self._load_tag(state)
        self.submitted = float("-inf")
        if self.job_id and self.site_name in self.sites:
            self.site.adopt(self.job_id)

    def clear_state(self):
        """Forget the job."""
        super().clear_state()
        self._close_door()
        self.site_name = self.job_started = self.token_sha256 = self.tag = ""
        self.in_lesson = None
        self.extended = 0
        self.job = None

    def _save_state(self):
        """Write the job's identity to the hub's database at once, not after the start."""
        self.orm_spawner.state = self.get_state()
        self.user.db.commit()

    @property
    def site(self):
        """The site that has this session's job."""
        return self.sites[self.site_name]

    # --- start ------------------------------------------------------------------------------

    def user_env(self, env):
        """Add what a login would set; no account of the hub's machine is looked up."""
        home = self.home(self)
        return env | {"USER": self.user.name, "HOME": home, "SHELL": "/bin/bash"}

    def get_env(self):
        """Return the whole environment of the session."""
        return super().get_env() | self.session_environment(self, self.choice)

    def script(self, environment: dict) -> str:
        """Return the batch script of `self.choice`: every value in it is typed or ours.

        The launcher gives sbatch the session's environment and nothing else, so `--export=ALL`
        is that. With a list of names Slurm would run each person's login shell before each
        session, a second or more of what profiles do.
        https://slurm.schedmd.com/sbatch.html#OPT_export
        """
        profile = self.offers(self).profile(self.choice.profile)
        site = self.sites[self.choice.site]
        values = self.get_req_subvars() | {
            "job_name": JOB_NAME,
            "comment": self.tag,
            "site": self.choice.site,  # job ids repeat between sites
            "homedir": self.home(self),
            "partition": site.partition,
            "account": self.terms.account,
            "qos": self.terms.qos,
            "reservation": self.terms.reservation,
            "runtime": self._time_limit(),
            "nprocs": str(profile.cores),
            "memory": f"{profile.memory_gb}G",
            "gres": f"gpu:{profile.gpus}" if profile.gpus else "",
            "prologue": "\n".join(self.prologue_lines),
            "cmd": shlex.join(
                [site.python, "-I", "-S", str(PORT_PROGRAM), *self.cmd, *self.get_args()]
            ),
        }
        return format_template(self.batch_script, **values)

    async def start(self):
        """Hand the job in, wait for its node and its port; return the server's URL.

        Raises SessionError with a sentence for the student.
        """
        site = self.sites[self.choice.site]
        self._clock = SpawnClock(site.name)
        self.last_error = self.ending = None
        self.port = 0
        # From here on: a job may run, and its server announce itself, before sbatch has returned.
        self._port_told = asyncio.Event()
        self.token_sha256 = hashlib.sha256(self.api_token.encode()).hexdigest()
        self.ip = site.listen
        environment = {**site.environment, **self.get_env(), "PATH": site.session_path}
        environment |= self._new_door(site)
        self._agree()
        await self.enroll(self)
        self._new_tag(site.name)
        submission = asyncio.ensure_future(self._hand_in(site, environment))
        try:
            # A student who cancels at this very moment must not leave a job without an owner.
            self.job_id = await asyncio.shield(submission)
        except asyncio.CancelledError:
            try:
                await self._take_back(site.name, await submission)
            except (SchedulerError, OSError, TimeoutError):
                self._owe()
            raise
        except (SchedulerError, OSError, TimeoutError) as error:
            self._owe()  # no answer in time is no proof that Slurm does not have the job
            raise self._not_accepted(site, refusal(str(error)), f"sbatch: {error}") from error
        self.site_name = site.name
        self.submitted = time.monotonic()
        self._mark("submit")
        self._save_state()
        self.log.info("submitted")
        return await self._until_answering()

    async def _until_answering(self) -> str:
        """Wait until the job runs and its server told its port; return the URL."""
        started = None
        while True:
            _, life, job = await self._life(self.queue_interval)
            self.job = job or self.job
            if life is Life.GONE:
                raise self._ended_early(job)
            await self._keep_to_lesson(life, job)
            if life is Life.RUNNING:
                if started is None:
                    started = time.monotonic()
                    self._mark("queue")
                    self.log.info("started on node=%s", job.node)
                    if self.site.runs_as(self.user.name) not in ("", job.user):
                        # The id is the word of a process of the person's own account.
                        raise self._no_answer("not_theirs", f"the job is of account={job.user}")
                if self.port and job.node:
                    self._mark("start")
                    return self._located(job)
                if time.monotonic() - started > self.answer_timeout:
                    raise self._no_answer("no_answer", "no port told in time")
            elif life is Life.WAITING:
                started = None  # requeued: the next node has its own time
            if self._port_told.is_set():
                await asyncio.sleep(self.queue_interval)
            else:  # a told port is acted on at once
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self.queue_interval):  # wait_for makes a task
                        await self._port_told.wait()

    def _located(self, job: Job) -> str:
        """Note where the job's server is, and return its URL; the hub saves it with the start."""
        self.ip = self._place(self.site, job.node)
        self.job_started = job.started
        self._port_told = None
        self.job = job
        self._tell_use("started")
        proto = "https" if self.internal_ssl else "http"
        return f"{proto}://{self.ip}:{self.port}"

    async def get_url(self):
        """Return where the server is, for a hub that restarted: JupyterHub asks at its start.

        A session that was still in the queue or starting is waited for here, as long as it
        takes; one that ended meanwhile is found out by the hub's own look at its old address.
        """
        try:
            await self._known()
            if not self.job_id or (self.job_started and await self._in_place()):
                return self.server.url
            self._port_told = asyncio.Event()
            url = await self._until_answering()
            self._save_state()
            return url
        except SessionError as error:
            self.log.warning("%s", error)
            self.http_timeout = 1  # nothing will answer there: JupyterHub need not wait for it
            return self.server.url

    def owns(self, token: str) -> bool:
        """Whether `token` is the API token of this very session."""
        digest = hashlib.sha256(token.encode()).hexdigest()
        return bool(self.token_sha256) and hmac.compare_digest(self.token_sha256, digest)

    async def take_port(self, port: int) -> bool | None:
        """Take the port that this session's server announced; False if none is waited for.

        One is waited for while the session starts, and when Slurm put the job on another node.
        None: nobody can say now, because the hub just started or the scheduler is silent.
        """
        if not self._may_announce(port):
            return False
        if self._port_told is not None:
            # The last one counts: Slurm may requeue a job before anybody saw it run.
            self.port = port
            self._save_state()  # a hub that dies now must know it later
            self._port_told.set()
            return True
        if self.pending in ("check", "spawn"):
            return None
        if not self.ready or not self.job_id:
            return False
        told = time.monotonic()
        snapshot = await self.site.queue.snapshot(max_age=0)
        life, job = snapshot.life(self.job_id, self.submitted)
        if life is Life.UNKNOWN or snapshot.asked < told:  # an answer on its way shows the past
            return None
        if life is not Life.RUNNING or job.started == self.job_started:
            return False
        self.log.info("moved to node=%s", job.node)
        self.port = port
        self._located(job)
        self.server.ip, self.server.port = self.ip, self.port
        self._save_state()
        return True

    def _title(self, site: str) -> str:
        titles = {entry.name: entry.title for entry in self.offers(self).sites}
        title = titles.get(site, {"es": site})
        language = self.choice.language if getattr(self, "choice", None) else "es"
        return title.get(language, title["es"])

    def _no_answer(self, reason: str, log: str) -> SessionError:
        sentence = Message(
            "Tu sesión empezó en la sede {site}, pero no respondió.",
            {"site": self._title(self.site_name)},
        )
        return self._failure(sentence, reason=reason, log=log)

    def _ended_early(self, job: Job | None) -> SessionError:
        state = _ending(job)
        ending = ENDINGS.get(state.upper(), ENDED)
        return self._failure(
            ending.filled(site=self._title(self.site_name)),
            reason=state,
            log=f"ended: {job}",
        )

    def _not_accepted(self, site, why: Message, log: str) -> SessionError:
        return self._failure(
            Message(
                "No se pudo pedir tu sesión en la sede {site}: {why}.",
                {"site": self._title(site.name), "why": why},
            ),
            reason="rejected",
            log=log,
        )

    def _failure(self, what: Message, *, reason: str, log: str) -> SessionError:
        self.last_error = TRY_AGAIN.filled(what=what)
        FAILURES.labels(self.site_name or self.choice.site, reason).inc()
        self.log.error("failed reason=%s %s", reason, log)
        return SessionError(self.last_error, reason=reason, status_code=503, log_message=log)

    # --- while it runs ----------------------------------------------------------------------

    async def poll(self):
        """Return None while the session lives or nobody knows, 1 when its job is gone."""
        if not self.job_id:
            gone = not self._adopting or await self._find_job() is Life.GONE
            return 1 if gone else None
        if self.site_name not in self.sites:
            self.log.error("this site is not configured now")
            return None
        life, job = await self._life_soon(
            self.queue_interval if self.pending else self.idle_interval
        )
        self.job = job or self.job
        if life is Life.GONE:
            self.log.info("is gone: %s", job)
            self._count_end(_ending(job))
            self._note_end(_ending(job))
            return 1
        # Slurm moved it, or did not take the order before
        if self.in_lesson is not None and self.ready and job is not None:
            await self._keep_to_lesson(life, job)
        return None

    async def stop(self, now=False):
        """Take the job back and wait until it is gone (not with `now`).

        A site that does not take the order gets it again when it answers (orphans.py): the
        student is free to go on elsewhere, and the job does not stay.
        """
        if not self.job_id:
            self._owe()
            return
        self.log.info("stopping")
        self._note_end("stopped")
        if not await self._take_back(self.site_name, self.job_id):
            return
        asked = time.monotonic()
        while not now and time.monotonic() - asked < 30:
            snapshot = await self.site.queue.snapshot(max_age=self.queue_interval)
            life, job = snapshot.life(self.job_id, self.submitted)
            if snapshot.asked > asked and (
                life is Life.GONE or (job is not None and job.state == "COMPLETING")
            ):
                return
            await asyncio.sleep(self.queue_interval)

    async def progress(self):
        """Yield what the pending page shows, in every language, whenever it changes.

        And from time to time unchanged: only writing shows that a page was closed, and that
        nobody needs this any more.
        """
        shown, told = None, float("-inf")
        while True:
            now = self.situation()
            if now != shown or time.monotonic() - told > self.idle_interval:
                shown, told = now, time.monotonic()
                sentences = self.translations(now.message)
                yield {
                    "progress": now.percent,
                    "message": sentences["es"],
                    "messages": sentences,
                    "next": self.translations(now.next),
                    # Seconds since 1970 or None; the page writes it in the reader's time zone.
                    "starts": now.starts,
                }
            await asyncio.sleep(self.queue_interval)

    def situation(self) -> Situation:
        """Return where this start stands."""
        if not self.job_id:
            return situation("", "", None, Snapshot(0, {}), told=False)
        title = self._title(self.site_name)
        latest = self.site.queue.latest
        now = situation(title, self.job_id, self.job, latest, told=bool(self.port))
        return self._with_lesson(now)


def _ending(job: Job | None) -> str:
    """Return Slurm's last state of a job in small letters, "gone" if nobody knows it."""
    return job.state.split(" ")[0].rstrip("+").lower() if job and job.state else "gone"

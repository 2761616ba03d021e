"""A session's time: when it ends, how its student is told, and making it longer.

The time left comes from the site's shared view of its queue, so that asking for it costs the
scheduler nothing, and an end that an operator moved is noticed like any other. The notebook
server asks for it (session_time_api.py) and shows it in JupyterLab; the sentences are here, in
the catalog's one language, and travel in all of them.
"""

import asyncio
import math
import string
import time
from dataclasses import asdict, dataclass

from traitlets import Callable
from traitlets.config import LoggingConfigurable

from .endings import AFTER, STOPPED, UNEXPLAINED
from .messages import Message, SessionError
from .queue import Job, Life
from .session_extension import Extension
from .sites import SchedulerError

# What JupyterLab shows; {placeholders} are filled there.
SENTENCES = {
    "minutes": Message("Tu sesión termina en {minutes} minutos, a las {time}."),
    "minute": Message("Tu sesión termina en un minuto, a las {time}."),
    # JupyterLab cuts a notification at 140 characters.
    "will_save": Message("Lo abierto se guarda solo; lo que se esté calculando se detiene."),
    "saved": Message("Guardamos lo que tenías abierto sin guardar ({count})."),
    "nothing_to_save": Message("No hay nada sin guardar."),
    "copied": Message(
        "«{name}» cambió en el disco desde otro lugar. Tu versión está en «{copy}»; ninguna de "
        "las dos se perdió."
    ),
    "not_saved": Message("No se pudo guardar «{name}»: {why}"),
    "save": Message("Guardar ahora"),
    "extend": Message("Alargar {minutes} min"),
    "extended": Message("Listo: tu sesión termina ahora a las {time}."),
    "not_extended": Message("No se pudo alargar tu sesión. Prueba otra vez en un minuto."),
    "status": Message("Termina en {minutes} min"),
    "status_help": Message("Tu sesión termina a las {time}"),
    "copy_mark": Message("sin guardar"),
    "lost": Message("Tu sesión ya no está en marcha"),
    "lost_body": Message(
        "Puede haber llegado a su límite de tiempo, haberse detenido, o haber un problema de red."
    ),
    "lost_why": Message("Ver qué pasó y empezar de nuevo"),
    "lost_stay": Message("Quedarme en esta página"),
    "silent": Message("Tu sesión no responde"),
    "silent_body": Message(
        "Puede que la red esté cortada y tu sesión siga en marcha. Si vuelve a responder, este "
        "aviso se cierra solo y sigues donde estabas. No cierres esta página: lo que aún no se "
        "guardó está solo aquí."
    ),
    "silent_why": Message("Ver qué pasa"),
}
# An answer of the queue that is older than this many seconds is asked for again.
FRESH = 20


@dataclass(frozen=True)
class Ending:
    """How a session ended that ran; kept in the hub's database until the next start."""

    state: str  # Slurm's last state in small letters, "stopped" by the hub, "gone": nobody knows
    site: str
    at: float  # when the hub noticed, in seconds since 1970

    @property
    def is_news(self) -> bool:
        """Whether it is worth telling somebody who did not ask: unexpected, and of today."""
        return self.state not in ("stopped", "completed") and time.time() - self.at < 86400


class TimedSession(LoggingConfigurable):
    """The part of MingaSpawner that knows when its session ends, and how it ended."""

    extension_on_site = Callable(
        lambda site: None, help="site's name -> Extension, or None where a session stays as it is."
    ).tag(config=True)

    on_use = Callable(
        lambda spawner, event: None,
        help="(spawner, 'started' or 'ended') -> told of each session that ran: when its person "
        "reaches it (again when Slurm moved it or its limit changed), and when it is over.",
    ).tag(config=True)

    ending: Ending | None = None
    _extending: asyncio.Lock | None = None
    extended = 0  # how often this session was made longer

    def _time_state(self) -> dict:
        """Return what a restarted hub must know, also of a session that is over."""
        state = {"ending": asdict(self.ending)} if self.ending else {}
        return state | ({"extended": self.extended} if self.extended else {})

    def _load_time(self, state: dict) -> None:
        self.ending = Ending(**state["ending"]) if state.get("ending") else None
        self.extended = state.get("extended", 0)

    def _note_end(self, state: str) -> None:
        """Remember how the session ended, if it was one: a start that failed tells it itself."""
        if self.job_started:
            self._tell_use("ended")
        if self.job_started and self.pending != "spawn":
            self.ending = Ending(state=state, site=self.site_name, at=time.time())

    def _tell_use(self, event: str) -> None:
        """Tell who keeps a record of use; whatever is wrong there, the session goes on."""
        try:
            self.on_use(self, event)
        except Exception:
            self.log.exception("its use could not be recorded")

    def ended(self) -> Message | None:
        """Return why the last session ended, with `{site}` to be filled; None if there was none."""
        if self.ending is None:
            return None
        if self.ending.state == "stopped":
            return STOPPED
        return AFTER.get(self.ending.state.upper(), UNEXPLAINED)

    def again(self) -> dict | None:
        """Return the last choice as form fields if all of it can be had again, else None."""
        last = self.orm_spawner.user_options if self.orm_spawner else None
        if not isinstance(last, dict) or not last:
            return None
        try:
            choice = self._offered().choose(last).model_dump()
        except SessionError:
            return None
        return choice if choice == last else None

    def seconds_left(self) -> float | None:
        """Return the seconds until the scheduler ends the session; None: it has no end."""
        job: Job | None = self.job
        if job is None or job.life is not Life.RUNNING or not job.ends:
            return None
        return max(0.0, float(job.ends) - time.time())

    async def session_time(self) -> dict:
        """Return what the notebook server is told, as JSON: times in seconds and minutes."""
        if self.job_id and self.site_name in self.sites:
            await self._look(FRESH)
        offered = self._extension()
        left = offered.times - self.extended if offered else 0
        return {
            "seconds_left": self.seconds_left(),
            "extension": {"minutes": offered.minutes, "left": left} if left > 0 else None,
            "sentences": {
                name: self.translations(_open(message)) for name, message in SENTENCES.items()
            },
        }

    async def look_again(self) -> bool:
        """Return whether the session may still be there, by an answer a second old at most.

        For somebody who sees that it does not answer: the hub would find out within half a
        minute, and this is now. One that is gone is tidied away, as after the hub's own look.
        """
        if self.pending:
            return True
        if not self.ready or self.site_name not in self.sites:
            return False
        await self.site.queue.snapshot(max_age=1)  # which the hub's own look then takes
        return await self.poll_and_notify() is None

    async def extend(self) -> None:
        """Make the session longer, once; SessionError with a sentence if that cannot be."""
        self._extending = self._extending or asyncio.Lock()
        async with self._extending:  # two windows of JupyterLab are one wish after the other
            terms, site = self._extension(), self._title(self.site_name)
            if terms is None:
                text = Message("La sede {site} no permite alargar una sesión.")
                raise _no(text.filled(site=site))
            if self.extended >= terms.times:
                text = Message("Ya alargaste esta sesión todo lo que la sede {site} permite.")
                raise _no(text.filled(site=site))
            minutes = await self._longer(terms, site)
            try:
                await self.site.extend(self.job_id, minutes, terms.operator_prefix)
            except (SchedulerError, OSError, TimeoutError) as error:
                self.log.error("could not be extended: %s", error)
                text = Message("La sede {site} no aceptó alargar tu sesión. Avisa a tu instructor.")
                raise _no(text.filled(site=site)) from error
            self.extended += 1
            self._save_state()
            self.log.info("extended to %d minutes", minutes)
            await self._look(0)
            self._tell_use("started")

    async def _longer(self, terms: Extension, site: str) -> int:
        """Return the new time limit in minutes; SessionError for what Slurm lets an operator do.

        It would lengthen a job into a reservation, beyond its partition's limit or its GPU-hours.
        """
        life, job = await self._look(0)
        if life is not Life.RUNNING or not job.ends or not job.started:
            raise self._silent(site)
        ends = float(job.ends) + terms.minutes * 60
        minutes = math.ceil((ends - float(job.started)) / 60)
        if self.in_lesson is not None and ends > self.in_lesson.ends:
            text = Message(
                "No se puede alargar: usas las máquinas reservadas para tu curso hasta las "
                "{time} (hora de {place})."
            )
            raise _no(text.filled(time=self.in_lesson.clock, place=self.in_lesson.place))
        try:
            hours = await self.site.longest_hours()
            taken = await self.site.reserved_from(job.node, until=ends)
        except (SchedulerError, OSError, TimeoutError) as error:
            self.log.warning("does not say whether it can be extended: %s", error)
            raise self._silent(site) from error
        if hours is not None and minutes > hours * 60:
            text = Message(
                "No se puede alargar: la sede {site} no deja que una sesión dure más de "
                "{hours} horas."
            )
            raise _no(text.filled(site=site, hours=hours))
        if taken is not None:
            text = Message(
                "No se puede alargar: el equipo de tu sesión está reservado para otro uso "
                "dentro de {minutes} minutos."
            )
            raise _no(text.filled(minutes=max(0, int(taken - time.time()) // 60)))
        if lack := await self._hours_lack(terms.minutes):
            raise _no(lack)
        return minutes

    def _silent(self, site: str) -> SessionError:
        text = Message("La sede {site} no responde en este momento. Prueba en un minuto.")
        return _no(text.filled(site=site))

    def _extension(self) -> Extension | None:
        return self.extension_on_site(self.site_name) if self.site_name in self.sites else None

    async def _look(self, max_age: float) -> tuple[Life, Job | None]:
        """Return how the job is, asked at most `max_age` seconds ago."""
        snapshot = await self.site.queue.snapshot(max_age=max_age)
        life, job = snapshot.life(self.job_id, self.submitted)
        self.job = job or self.job
        return life, job


def _open(message: Message) -> Message:
    """Return `message` with its placeholders left to be filled by whoever shows it."""
    fields = {name for _, name, _, _ in string.Formatter().parse(message.text) if name}
    return message.filled(**{name: f"{{{name}}}" for name in fields})


def _no(text: Message) -> SessionError:
    return SessionError(text, reason="not_extended", status_code=409)

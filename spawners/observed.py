"""What an operator sees of a session: fields in the log, phases and states in the metrics."""

from traitlets import default
from traitlets.config import LoggingConfigurable

from . import logs, metrics
from .queue import Life


class Observed(LoggingConfigurable):
    """The part of MingaSpawner that counts, times and logs; before batchspawner's class."""

    _clock: metrics.SpawnClock | None = None  # of the start that this hub saw from its beginning
    _counted_end = ""  # the job whose end was counted

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        metrics.SESSIONS.add(self)

    @default("log")
    def _log_with_fields(self):
        return logs.of_session(self, super()._log_default())

    def site_and_state(self) -> tuple[str, str] | None:
        """Return where and how this session lives, for the gauge; None if there is none."""
        if not self.job_id:
            handing_in = self.pending == "spawn" and getattr(self, "choice", None)
            return (self.choice.site, "waiting") if handing_in else None
        if self.site_name not in self.sites:
            return self.site_name, "unknown"
        latest = self.site.queue.latest
        life, _ = latest.life(self.job_id, self.submitted)
        if life is Life.GONE:
            return None
        if life is Life.UNKNOWN:  # nobody answers, or no answer is younger than the job
            return self.site_name, "unknown" if latest.error else "waiting"
        if life is Life.RUNNING:
            return self.site_name, "running" if self.ready else "starting"
        return self.site_name, "waiting"

    def add_poll_callback(self, callback, *args, **kwargs):
        """Note that the session is reached: the hub asks for this when the proxy has its route."""
        super().add_poll_callback(callback, *args, **kwargs)
        self._mark("ready")

    def _mark(self, phase: str) -> None:
        if self._clock:
            self._clock.mark(phase)

    def _count_end(self, state: str) -> None:
        """Count a session that ended by itself: not one that is being started or stopped here."""
        if self.pending not in ("spawn", "stop") and self._counted_end != self.job_id:
            self._counted_end = self.job_id
            metrics.ENDED.labels(self.site_name, state).inc()

    async def run_command(self, cmd, input=None, env=None):
        """Refuse batchspawner's way to run a command, which is a shell."""
        raise NotImplementedError("a command is an argument list: sites.run")

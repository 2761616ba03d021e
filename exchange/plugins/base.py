"""What all exchange classes have in common: the connection, the language, where work lies."""

import os
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from dateutil.tz import gettz
from jupyter_core.paths import jupyter_data_dir
from nbgrader.exchange.abc import Exchange
from traitlets import Bool, Float, Unicode, default

from ..client import ExchangeClient, ExchangeProblem
from ..filesets import BadName, safe_part
from ..words import say


class ServiceExchange(Exchange):
    """An exchange that is a service of the hub; who somebody is, the hub says by their token."""

    url = Unicode(help="Where the exchange service is, its prefix included").tag(config=True)
    token = Unicode(help="A token of the hub; default: this server's own").tag(config=True)
    language = Unicode("es", help="The language that the person reads").tag(config=True)
    patience = Float(15.0, help="Seconds to go on trying when it does not answer").tag(config=True)
    path_includes_course = Bool(False, help="Work lies in <course>/<assignment>").tag(config=True)
    cache = Unicode(help="Copies of what was handed in; default: Jupyter's data folder").tag(
        config=True
    )

    @default("token")
    def _own_token(self) -> str:
        return os.environ.get("JUPYTERHUB_API_TOKEN", "")

    @default("cache")
    def _in_data_folder(self) -> str:
        return os.path.join(jupyter_data_dir(), "nbgrader_cache")

    @cached_property
    def client(self) -> ExchangeClient:
        """The connection to the service."""
        return ExchangeClient(
            self.url, self.token, self.language, self.patience, tell=self.log.warning
        )

    def start(self):
        """Do it; what the exchange refuses becomes nbgrader's ExchangeError, with its words."""
        with self.told():
            return super().start()

    @contextmanager
    def told(self):
        """Let the person read what goes wrong, and close the connection at the end."""
        try:
            yield
        except ExchangeProblem as error:
            self.refused(error)
        except BadName as error:
            self.fail(self.say("odd_name", name=error))
        finally:
            client = self.__dict__.pop("client", None)
            if client:
                client.close()

    def refused(self, problem: ExchangeProblem) -> None:
        """Raise ExchangeError with what the exchange said."""
        self.fail(str(problem))

    def init_src(self) -> None:
        """Look at where it comes from; raises ExchangeError."""

    def init_dest(self) -> None:
        """Look at where it goes; raises ExchangeError."""

    def copy_files(self) -> None:
        """Bring it there; raises ExchangeError."""

    def say(self, key: str, **values) -> str:
        """Return a sentence of exchange/words.py in the person's language."""
        return say(self.language, key, **values)

    @property
    def course(self) -> str:
        """The course, which must have been given; raises ExchangeError."""
        if self.coursedir.course_id in ("", "*"):
            self.fail(self.say("no_course"))
        return self.coursedir.course_id

    @property
    def assignment(self) -> str:
        """The assignment's name."""
        return self.coursedir.assignment_id

    def work(self, course: str, assignment: str) -> Path:
        """Return the folder where a student works on an assignment."""
        parts = [safe_part(course)] if self.path_includes_course else []
        return Path(self.assignment_dir, *parts, safe_part(assignment)).absolute()

    def moment(self, text: str) -> str:
        """Return a time of the service as nbgrader writes it (timestamp.txt, folder names)."""
        when = datetime.fromisoformat(text)
        return when.astimezone(gettz(self.timezone) or UTC).strftime(self.timestamp_format)

    def log_terms(self, listed: dict) -> None:
        """Tell a student until when, and how often, they may hand in."""
        if listed["closed"]:
            self.log.warning(self.say("closed"))
        elif listed["due"]:
            self.log.info(self.say("due", due=self.moment(listed["due"])))
            if listed["late_policy"] == "reject":
                self.log.info(self.say("closed_after"))
        if listed["attempts_left"] is not None:
            self.log.info(self.say("attempts_left", left=listed["attempts_left"]))

    def terms(self) -> None:
        """Tell a student the terms of this assignment, if it is released."""
        for listed in self.client.assignments(self.course):
            if listed["assignment"] == self.assignment:
                self.log_terms(listed)

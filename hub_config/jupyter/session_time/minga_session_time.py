"""The notebook server's part of the time limit: what it knows of its end, and who it tells.

A Jupyter server extension. JupyterLab's part (labextensions/minga-session-time) asks it at
`GET minga/session`; it asks the hub, with the session's own token, and only while a JupyterLab
is open. Slurm's warning signal (`--signal=B:USR1@60` in the batch script) is passed on to all
open JupyterLabs at once.

What is typed but not saved is in the browser alone: it is JupyterLab that saves it, before the
end and when the signal comes. The server has nothing to save by itself, and what a kernel prints
while no browser is open is in no file.
"""

import asyncio
import json
import os
import signal
import time
from pathlib import Path

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyterhub.utils import make_ssl_context
from tornado import web
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

EVENT = "https://minga.example/events/session-ending"
SCHEMA = {
    "$id": EVENT,
    "version": "1",
    "title": "The scheduler will end this session within two minutes",
    "type": "object",
    "properties": {},
}
JUPYTER = Path(__file__).resolve().parents[1]  # a folder for each language of JupyterLab
LANGUAGE = os.environ.get("MINGA_LANGUAGE") or "es"  # the session's
# How old the hub's figure may be, by how much time is left (seconds): far from the end only an
# operator changes it, and hundreds of sessions ask the same hub.
FRESH = ((400, 15), (1200, 60), (float("inf"), 180))
# Slurm sends the signal up to 60 seconds earlier than the 60 that the batch script asks for.
SIGNALLED = 120


class SessionTime:
    """When this session ends, as the hub last said; times of time.monotonic()."""

    def __init__(self, app):
        self.app = app
        self.hub = getattr(app.identity_provider, "hub_auth", None)  # None: no session of a hub
        self.ends: float | None = None
        self.extension = None
        self.sentences: dict = {}
        self.asked = float("-inf")
        self.signalled: float | None = None
        self._asking: asyncio.Task | None = None

    async def told(self) -> dict:
        """Return what JupyterLab shows, asking the hub if the last answer is old."""
        now = time.monotonic()
        left = float("inf") if self.ends is None else self.ends - now
        fresh = next(age for limit, age in FRESH if left <= limit)
        if self.hub and now - self.asked > fresh:
            if self._asking is None or self._asking.done():  # many windows, one question
                self._asking = asyncio.create_task(self._ask())
            await asyncio.shield(self._asking)
        return self.known()

    def known(self) -> dict:
        """Return what is known without asking."""
        left = None if self.ends is None else max(0.0, self.ends - time.monotonic())
        return {
            "seconds_left": left,
            "extension": self.extension,
            "sentences": self.sentences,
            "language": LANGUAGE,
            "in_jupyterlab": (JUPYTER / LANGUAGE).is_dir(),
            "signalled": self.signalled is not None,
        }

    async def extend(self) -> tuple[int, dict]:
        """Ask the hub for more time; return its HTTP status and its answer."""
        status, answer = await self._request("POST")
        if status == 200:
            self._take(answer)
            return status, self.known()
        return status, {"why": answer.get("why", {})}

    async def _ask(self) -> None:
        status, answer = await self._request("GET")
        self.asked = time.monotonic()
        if status == 200:  # a hub that does not answer leaves what it said before
            self._take(answer)

    def _take(self, answer: dict) -> None:
        left = answer["seconds_left"]
        self.asked = time.monotonic()
        self.ends = None if left is None else self.asked + left
        self.extension, self.sentences = answer["extension"], answer["sentences"]
        if left is None or left > SIGNALLED:
            self.signalled = None

    async def _request(self, method: str) -> tuple[int, dict]:
        if not self.hub:
            return 503, {}
        request = HTTPRequest(
            self.hub.api_url.rstrip("/") + "/minga/session",
            method=method,
            headers={"Authorization": f"token {self.hub.api_token}"},
            body=b"" if method == "POST" else None,
            connect_timeout=5,
            request_timeout=40,
            ssl_options=make_ssl_context(
                self.hub.keyfile, self.hub.certfile, cafile=self.hub.client_ca
            ),
        )
        try:
            answer = await AsyncHTTPClient().fetch(request, raise_error=False)
            return answer.code, json.loads(answer.body)
        except (HTTPClientError, OSError, ValueError) as error:
            self.app.log.warning("minga: the hub did not tell the session's time: %s", error)
            return 503, {}

    def signal(self) -> None:
        """Take Slurm's warning: tell every open JupyterLab at once."""
        now = time.monotonic()
        self.signalled, self.asked = now, float("-inf")  # the hub knows it to the second
        self.ends = now + SIGNALLED if self.ends is None else min(self.ends, now + SIGNALLED)
        self.app.log.warning("minga: the scheduler will end this session within two minutes")
        self.app.event_logger.emit(schema_id=EVENT, data={})


class SessionHandler(APIHandler):
    """`GET minga/session`: SessionTime.known(); `POST`: make the session longer."""

    auth_resource = "minga-session"
    _track_activity = False  # a clock that is read is nobody working

    @property
    def time(self) -> SessionTime:
        """The server's one clock."""
        return self.settings["minga_session_time"]

    @web.authenticated
    @authorized
    async def get(self):
        """Answer with what JupyterLab shows."""
        self.finish(json.dumps(await self.time.told()))

    @web.authenticated
    @authorized
    async def post(self):
        """Answer with the hub's status: 200 and the new time, or why not in `why`."""
        status, answer = await self.time.extend()
        self.set_status(status)
        self.finish(json.dumps(answer))


def _jupyter_server_extension_points() -> list[dict]:
    return [{"module": "minga_session_time"}]


def _load_jupyter_server_extension(app) -> None:
    app.web_app.settings["minga_session_time"] = SessionTime(app)
    app.event_logger.register_event_schema(SCHEMA)
    base = app.web_app.settings["base_url"].rstrip("/")
    app.web_app.add_handlers(".*$", [(f"{base}/minga/session", SessionHandler)])


async def _start_jupyter_server_extension(app) -> None:
    # Here and not above: the server's own handler, which prints a line, is set in between.
    if hasattr(signal, "SIGUSR1"):
        take = app.web_app.settings["minga_session_time"].signal
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, take)

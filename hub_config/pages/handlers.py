"""What the hub answers beside its own pages: languages, what is free now, our static files."""

import asyncio
import re
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

from jupyterhub.handlers import BaseHandler
from jupyterhub.handlers.static import CacheControlStaticFilesHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.utils import url_escape_path
from tornado import web

from .hub_texts import in_words
from .languages import COOKIE, LANGUAGES, language_of

STATIC = Path(__file__).parent / "static"
ONE_YEAR_DAYS = 365
# A path of this hub: one slash, then no second one and no backslash (both lead elsewhere in
# browsers), and no control characters or spaces, which browsers strip before they read a URL.
LOCAL_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


def local_path(wanted: str, otherwise: str) -> str:
    """`wanted` when it is a path on this very host, else `otherwise`."""
    return wanted if LOCAL_PATH.fullmatch(wanted) else otherwise


class LanguageHandler(BaseHandler):
    """`GET /hub/language/<code>?next=<path>`: remember the person's choice, go back."""

    def get(self, code: str) -> None:
        """Set the cookie and redirect to a local path; 404 for a language that we do not have."""
        if code not in LANGUAGES:
            raise web.HTTPError(404)
        self.set_cookie(
            COOKIE,
            code,
            path="/",
            expires_days=ONE_YEAR_DAYS,
            samesite="Lax",
            secure=self.request.protocol == "https",
        )
        self.redirect(local_path(self.get_argument("next", ""), self.hub.base_url))


class CapacityHandler(BaseHandler):
    """`GET /hub/minga-capacity`: what the start page shows of each site and profile, as JSON."""

    async def get(self) -> None:
        """Answer from what is known already, in the page's language; 403 without a login."""
        if self.current_user is None:
            raise web.HTTPError(403)  # not the login page: a script asked
        outlook = getattr(self.current_user.spawner, "outlook", dict)()
        self.set_header("Cache-Control", "no-store")
        self.finish(in_words(outlook, language_of(self.request)))


class StopHandler(BaseHandler):
    """`POST /hub/minga-stop/<user>[/<server>]`: stop or cancel a session without script.

    What JupyterHub's REST API does for DELETE on a server, for a plain form with `_xsrf`.
    """

    @web.authenticated
    @needs_scope("delete:servers")
    async def post(self, user_name: str, server_name: str = "") -> None:
        """Stop the session, or take its request back, and go to the home page.

        404 for who or what does not exist; nothing happens to what is not running.
        """
        user = self.find_user(user_name)
        if user is None or server_name not in user.orm_user.orm_spawners:
            raise web.HTTPError(404)
        spawner = user.spawners[server_name]
        if spawner.pending == "check":
            # The hub was restarted and still finds out: it will find that the job has ended.
            await spawner.stop()
        elif spawner.pending == "spawn" or spawner.ready:
            stopping = asyncio.create_task(self._stop(user, server_name))
            # The loop keeps no strong reference to a task.
            self.running.add(stopping)
            stopping.add_done_callback(self.running.discard)
            done, _ = await asyncio.wait([stopping], timeout=5)
            for task in done:
                task.result()
        self.redirect(self.hub.base_url + "home", status=303)

    running: ClassVar[set[asyncio.Task]] = set()

    async def _stop(self, user, server_name: str) -> None:
        """Stop a session; one that starts first ends what it began, however long that takes."""
        spawner = user.spawners[server_name]
        if spawner.pending == "spawn" and spawner._spawn_future:
            spawner._spawn_future.cancel()
            while spawner.pending == "spawn":  # noqa: ASYNC110 (JupyterHub has no event for it)
                await asyncio.sleep(0.1)
        if not spawner.pending:
            await self.stop_single_user(user, server_name)


class NewSessionHandler(BaseHandler):
    """`GET /hub/minga-new?name=<name>`: the start form of one more session, without script."""

    @web.authenticated
    def get(self) -> None:
        """Redirect to the form; JupyterHub checks the name there."""
        name = url_escape_path(self.get_argument("name", ""))
        self.redirect(f"{self.hub.base_url}spawn/{self.current_user.escaped_name}/{name}")


def version(name: str) -> str:
    """A short hash of a static file, for its URL, so that browsers may keep it for long."""
    return sha256((STATIC / name).read_bytes()).hexdigest()[:12]


HANDLERS = [
    (r"/language/([a-z]{2,3})", LanguageHandler),
    (r"/minga-capacity", CapacityHandler),
    (r"/minga-new", NewSessionHandler),
    (r"/minga-stop/([^/]+)", StopHandler),
    (r"/minga-stop/([^/]+)/([^/]+)", StopHandler),
    (r"/minga/(.*)", CacheControlStaticFilesHandler, {"path": str(STATIC)}),
]

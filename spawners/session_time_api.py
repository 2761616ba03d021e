"""The hub's side of a session's clock.

What its notebook server may ask, with its own token only: `GET /hub/api/minga/session` how much
time is left, `POST /hub/api/minga/session` make it longer. What its student's browser may ask:
`GET /hub/minga-session/<user>[/<server>]` whether it is still there. Importing this module adds
the addresses to the hub.
"""

import json

from jupyterhub import handlers
from jupyterhub.apihandlers import APIHandler, default_handlers
from jupyterhub.handlers import BaseHandler
from jupyterhub.scopes import needs_scope
from tornado import web

from .messages import SessionError


class SessionTimeHandler(APIHandler):
    """A session's own time; the token says which session, nothing in the request does."""

    async def get(self):
        """Answer with TimedSession.session_time(); 403 for any other token than a session's."""
        self.write(json.dumps(await self._spawner().session_time()))

    async def post(self):
        """Make the session longer, and answer as GET does; 409 with the reason in `why`."""
        spawner = self._spawner()
        try:
            await spawner.extend()
        except SessionError as refused:
            self.set_status(refused.status_code)
            self.write(json.dumps({"why": spawner.translations(refused.text)}))
            return
        self.write(json.dumps(await spawner.session_time()))

    def _spawner(self):
        """Return the running session whose own API token came with this request."""
        token = self.get_auth_token() or ""
        for spawner in getattr(self.current_user, "spawners", {}).values():
            if hasattr(spawner, "session_time") and spawner.owns(token):
                return spawner
        raise web.HTTPError(403, "Only a session's own token may ask for its time")


class StillThereHandler(BaseHandler):
    """`{"there": false}` as soon as the session is known to be over; the hub looks now."""

    @web.authenticated
    @needs_scope("read:servers")
    async def get(self, user_name: str, server_name: str = ""):
        """Answer for one's own session; 404 for who or what does not exist."""
        user = self.find_user(user_name)
        if user is None or server_name not in user.orm_user.orm_spawners:
            raise web.HTTPError(404)
        spawner = user.spawners[server_name]
        there = await spawner.look_again() if hasattr(spawner, "look_again") else spawner.active
        self.set_header("Cache-Control", "no-store")
        self.finish({"there": there})


handlers.default_handlers += [
    (r"/minga-session/([^/]+)", StillThereHandler),
    (r"/minga-session/([^/]+)/([^/]+)", StillThereHandler),
]
default_handlers.append((r"/api/minga/session", SessionTimeHandler))

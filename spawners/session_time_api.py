"""The hub's side of a session's clock: what its notebook server may ask, with its own token only.

`GET /hub/api/minga/session` how much time is left, `POST /hub/api/minga/session` make it longer.
Importing this module adds the address to the hub.
"""

import json

from jupyterhub.apihandlers import APIHandler, default_handlers
from tornado import web

from .messages import SessionError


class SessionTimeHandler(APIHandler):
    """A session's own time; the token says which session, nothing in the request does."""

    @web.authenticated
    async def get(self):
        """Answer with TimedSession.session_time(); 403 for any other token than a session's."""
        self.write(json.dumps(await self._spawner().session_time()))

    @web.authenticated
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


default_handlers.append((r"/api/minga/session", SessionTimeHandler))

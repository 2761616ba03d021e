"""The hub's side of port.py: a started server tells its port, and nothing else.

Stock batchspawner sets *any* attribute of the spawner from the posted JSON, with the token
that every notebook has: any student can run commands as the hub's user. Importing this module
takes that handler out of the hub and puts this one at the same address.
"""

import json

from batchspawner.api import BatchSpawnerAPIHandler
from jupyterhub.apihandlers import APIHandler, default_handlers
from tornado import web


class PortAnnouncementHandler(APIHandler):
    """`POST /hub/api/batchspawner` with `{"port": 1024…65535}` and the server's own token."""

    @web.authenticated
    async def post(self):
        """Take the port of the server whose token this is; 204, once.

        403: not the token of a server of the token's owner. 400: anything but a port.
        409: that server is not waiting for its port (a second announcement, a running one).
        503: that cannot be said now; try again.
        """
        spawner = self._spawner()
        if spawner is None:
            raise web.HTTPError(403, "Only a session's own token may announce its port")
        port = _port(self.request.body)
        if port is None:
            raise web.HTTPError(400, 'Expected exactly {"port": N} with N from 1024 to 65535')
        started = spawner.ready  # a server that Slurm moved: the proxy must follow it
        taken = await spawner.take_port(port)
        if taken is None:
            raise web.HTTPError(503, "Not known yet whether a port is waited for: try again")
        if not taken:
            raise web.HTTPError(409, "This session is not waiting for a port")
        if started:
            await self.proxy.add_user(self.current_user, spawner.name)
        self.set_status(204)
        self.finish()

    def _spawner(self):
        """Return the spawner whose own API token came with this request, or None."""
        token = self.get_auth_token() or ""
        for spawner in getattr(self.current_user, "spawners", {}).values():
            if hasattr(spawner, "take_port") and spawner.owns(token):
                return spawner
        return None


def _port(body: bytes) -> int | None:
    """Return the port in `body`, or None if `body` is anything but `{"port": N}`."""
    if len(body) > 64:
        return None
    try:
        data = json.loads(body)
    except ValueError:
        return None
    if not isinstance(data, dict) or set(data) != {"port"}:
        return None
    port = data["port"]
    if type(port) is not int or not 1024 <= port <= 65535:  # bool is an int to isinstance
        return None
    return port


default_handlers[:] = [
    entry for entry in default_handlers if entry[1] is not BatchSpawnerAPIHandler
] + [(r"/api/batchspawner", PortAnnouncementHandler)]

"""`POST /hub/api/benchmark/round`: the hub looks after all of its sessions, and says its cost."""

import asyncio
import json
import resource

from jupyterhub.apihandlers import APIHandler
from jupyterhub.scopes import needs_scope


class RoundHandler(APIHandler):
    """Part of a measured hub only (jupyterhub_config.py adds it)."""

    @needs_scope("admin:servers")
    async def post(self):
        """Answer {"sessions", "alive", "cpu"}: CPU-seconds of the hub and its children."""
        spawners = [
            spawner
            for user in self.users.values()
            for spawner in user.spawners.values()
            if spawner.ready
        ]
        # Ours are looked after by their site's queue (`SiteQueue.watch`): a round is one answer of
        # it, looked at for each of them. Stock's are polled one by one.
        queues = {spawner.site.queue for spawner in spawners if hasattr(spawner, "site")}
        before = _used()
        if queues:
            await asyncio.gather(*(queue.snapshot(0) for queue in queues))
            await asyncio.sleep(0)  # those that have news are polled
        else:
            states = await asyncio.gather(*(spawner.poll() for spawner in spawners))
        used = _used() - before
        if queues:
            states = await asyncio.gather(*(spawner.poll() for spawner in spawners))
        self.write(
            json.dumps({"sessions": len(spawners), "alive": states.count(None), "cpu": used})
        )


def _used() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(kind)[:2]) for kind in kinds)

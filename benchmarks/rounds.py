"""`POST /hub/api/benchmark/round`: the hub polls all of its sessions at once, and says its cost."""

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
        ours = {s: s.idle_interval for s in spawners if hasattr(s, "idle_interval")}
        for spawner in ours:
            spawner.idle_interval = 0  # an answer of an earlier round would cost nothing
        before = _used()
        states = await asyncio.gather(*(spawner.poll() for spawner in spawners))
        # Ours answer from the last view while a new one is on its way: its cost is the round's.
        await asyncio.gather(*(queue.snapshot(0) for queue in {s.site.queue for s in ours}))
        used = _used() - before
        for spawner, interval in ours.items():
            spawner.idle_interval = interval
        self.write(
            json.dumps({"sessions": len(spawners), "alive": states.count(None), "cpu": used})
        )


def _used() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(kind)[:2]) for kind in kinds)

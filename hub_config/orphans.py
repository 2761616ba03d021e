"""Which jobs are this installation's, and what happens to those that no session owns."""

import asyncio
import secrets

from jupyterhub import orm
from jupyterhub.app import JupyterHub

from spawners.ledger import Ledger
from spawners.orphans import Orphans

from .deployment import Deployment
from .state import State


def configure(c, deployment: Deployment, state: State, interval: float = 60) -> None:
    """Tell sessions how to mark their jobs, and look for jobs without a session from now on.

    `interval` is the time between two looks in seconds.
    """
    ledger = Ledger(state.hub / "ledger.json")
    c.MingaSpawner.installation = installation(state)
    c.MingaSpawner.ledger = ledger
    orphans = Orphans(
        c.MingaSpawner.sites,
        installation(state),
        ledger,
        saved_tags,
        cancel=deployment.orphans == "cancel",
        interval=interval,
    )
    try:  # JupyterHub reads its configuration in the loop that it then runs in
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return  # somebody only reads the configuration
    # The loop keeps no strong reference to a task.
    configure.task = loop.create_task(orphans.run())


def installation(state: State) -> str:
    """Return a word that no other installation has; made at the first start and kept."""
    known = state.read("installation")
    if not known:
        known = {"name": secrets.token_hex(4)}
        state.write("installation", known)
    return known["name"]


def saved_tags() -> set[str] | None:
    """Return the tags of all sessions in the hub's database, None while it is not open yet."""
    database = JupyterHub.instance().db if JupyterHub.initialized() else None
    if database is None:
        return None
    states = database.query(orm.Spawner.state).filter(orm.Spawner.state.is_not(None))
    return {state["tag"] for (state,) in states if state and state.get("tag")}

"""The hub itself: addresses, database, proxy."""

from . import collector, databases, hub_database, proxy
from .deployment import Deployment
from .state import State


def configure(c, deployment: Deployment, state: State) -> None:
    """Tell the hub where it listens and what it remembers."""
    ports = state.ports()
    c.JupyterHub.bind_url = f"http://{deployment.hub.address}:{deployment.port}"
    c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{ports['hub']}"
    c.JupyterHub.db_url = databases.addresses(deployment, state)["hub.database"]
    c.JupyterHub.cookie_secret_file = str(state.hub / "cookie_secret")
    # Sessions outlive the hub: a stop, an upgrade or a crash of it ends nobody's work.
    c.JupyterHub.cleanup_servers = False
    # A person's own session, and named ones beside it, each with a choice of its own.
    c.JupyterHub.allow_named_servers = deployment.sessions_per_person > 1
    c.JupyterHub.named_server_limit_per_user = deployment.sessions_per_person - 1
    c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{ports['proxy']}"
    c.ConfigurableHTTPProxy.command = proxy.COMMAND
    if not deployment.hub.internal_tls:  # else the hub gives it the certificates that it makes
        c.ConfigurableHTTPProxy.should_start = False
        c.ConfigurableHTTPProxy.auth_token = state.secret("proxy-token")
    hub_database.configure()
    collector.configure()
    c.ConfigurableHTTPProxy.pid_file = str(state.hub / "proxy.pid")

"""JupyterHub's proxy: what the hub starts, or a service of its own (`hub.separate_proxy`).

    python -m hub_config.proxy    become the proxy (deploy/systemd/minga-proxy.service)

A proxy of its own keeps its routes while the hub restarts, so that nobody's kernel is cut off.
"""

import os
import shutil
import sys

from .deployment import ROOT, Deployment, DeploymentError, load
from .state import State

PROXY = ROOT / "deploy" / "proxy" / "node_modules" / "configurable-http-proxy"
COMMAND = [shutil.which("node") or "node", str(PROXY / "bin" / "configurable-http-proxy")]


def command(deployment: Deployment, state: State) -> list[str]:
    """Return the argument list of a proxy of its own; ports are those that the hub will use."""
    ports = state.ports()
    if "proxy" not in ports:  # the very first start; the hub keeps what is chosen here
        ports = state.choose_ports(["hub", "proxy"], keep=set())
    return [
        *COMMAND,
        f"--ip={deployment.hub.address}",
        f"--port={deployment.port}",
        "--api-ip=127.0.0.1",
        f"--api-port={ports['proxy']}",
        f"--error-target=http://127.0.0.1:{ports['hub']}/hub/error",
    ]


def main() -> None:
    """Become the proxy; its token, which the hub has too, is in the environment alone."""
    try:
        deployment = load()
        arguments = command(deployment, state := State(deployment))
    except DeploymentError as error:
        sys.exit(str(error))
    os.environ["CONFIGPROXY_AUTH_TOKEN"] = state.secret("proxy-token")
    os.execvp(arguments[0], arguments)  # noqa: S606


if __name__ == "__main__":
    main()

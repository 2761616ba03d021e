"""JupyterHub's proxy, beside the hub: it starts while the hub is still reading its programs.

    python -m hub_config.proxy    become the proxy (deploy/systemd/minga-proxy.service)

With `hub.separate_proxy` it is a service of its own, which keeps its routes while the hub
restarts, so that nobody's kernel is cut off.
"""

import os
import shutil
import sys

from .deployment import ROOT, Deployment, DeploymentError, load
from .state import State

PROXY = ROOT / "deploy" / "proxy" / "node_modules" / "configurable-http-proxy"
COMMAND = [shutil.which("node") or "node", str(PROXY / "bin" / "configurable-http-proxy")]


def command(deployment: Deployment, state: State) -> list[str]:
    """Return the proxy's argument list; ports are those that the hub will use."""
    ports = state.ports()
    if "proxy" not in ports:  # the very first start; the hub keeps what is chosen here
        ports = state.choose_ports(["hub", "proxy"], keep=set())
    return listening(deployment.hub.address, deployment.port, ports["proxy"], ports["hub"])


def listening(address: str, port: int, api_port: int, hub_port: int) -> list[str]:
    """Return the argument list of a proxy for people at `address` and `port`."""
    return [
        *COMMAND,
        f"--ip={address}",
        f"--port={port}",
        "--api-ip=127.0.0.1",
        f"--api-port={api_port}",
        f"--error-target=http://127.0.0.1:{hub_port}/hub/error",
    ]


def token(state: State) -> dict[str, str]:
    """Return the proxy's token, which the hub has too, for its environment alone."""
    return {"CONFIGPROXY_AUTH_TOKEN": state.secret("proxy-token")}


def main() -> None:
    """Become the proxy."""
    try:
        deployment = load()
        arguments = command(deployment, state := State(deployment))
    except DeploymentError as error:
        sys.exit(str(error))
    os.environ.update(token(state))
    os.execvp(arguments[0], arguments)  # noqa: S606


if __name__ == "__main__":
    main()

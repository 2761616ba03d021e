"""Who may read the hub's metrics: Prometheus, with a token that can do nothing else."""

import os
import secrets
from pathlib import Path

from .deployment import Deployment
from .state import State

SCOPE = "read:metrics"


def configure(c, deployment: Deployment, state: State) -> None:
    """Add the service `prometheus`: a token in `hub/prometheus-token` of the state folder.

    Call it after the other services and roles are set. Metrics say how many people there are
    and what they do, so `/hub/metrics` is not for everybody.
    """
    c.JupyterHub.authenticate_prometheus = True
    c.JupyterHub.services += [
        {"name": "prometheus", "api_token": token(state.hub / "prometheus-token"), "display": False}
    ]
    c.JupyterHub.load_roles += [
        {
            "name": "prometheus",
            "description": "Reads the hub's metrics",
            "services": ["prometheus"],
            "scopes": [SCOPE],
        }
    ]


def token(file: Path) -> str:
    """Return the token in `file`, made at the first start; only the hub's account reads it."""
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        made = secrets.token_hex(32)
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
            output.write(made + "\n")
        return made

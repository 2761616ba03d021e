"""JupyterHub's configuration: read the deployment, hand `c` to each part of hub_config."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from hub_config import (
    authentication,
    authorization,
    hub,
    internal_tls,
    metrics,
    orphans,
    services,
    sessions,
    slurm_accounts,
    transparency,
    tunnels,
)
from hub_config.deployment import DeploymentError, load
from hub_config.state import State

try:
    deployment = load(os.environ.get("MINGA_DEPLOYMENT"))
except DeploymentError as error:
    sys.exit(str(error))
state = State(deployment)

c = get_config()  # noqa: F821 (given by JupyterHub)
hub.configure(c, deployment, state)  # addresses, database, proxy
authentication.configure(c, deployment, state)  # who you are
authorization.configure(c, deployment, state)  # what you may do
sessions.configure(c, deployment, state)  # where notebooks run
slurm_accounts.configure(c, deployment, state)  # what they may use of each site, by Slurm
tunnels.configure(c, deployment, state)  # how the hub reaches them where nodes are shut
orphans.configure(c, deployment, state)  # whose jobs are whose
services.configure(c, deployment, state)  # formgrader, book
transparency.configure(c, deployment, state)  # what is used, for everybody to see
metrics.configure(c, deployment, state)  # who may read them
internal_tls.configure(c, deployment, state)  # how the parts speak to each other
services.pages(c, deployment)  # the hub's own pages, and their languages

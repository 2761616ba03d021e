"""The hub of the fault tests: the measured one (stub servers), with Minga's pages and orphans."""

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from hub_config import orphans, pages  # noqa: E402
from spawners.slurm import MingaSpawner  # noqa: E402

load_subconfig(str(ROOT / "benchmarks" / "jupyterhub_config.py"))  # noqa: F821 (from traitlets)
c = get_config()  # noqa: F821

folder = Path(json.loads(os.environ["MINGA_BENCHMARK_SETTINGS"])["folder"])
faults = json.loads((folder / "faults.json").read_text())
c.JupyterHub.authenticate_prometheus = False
pages.configure(c, titles={}, try_out=True, hidden_services=())
MingaSpawner.poll_interval = faults["seconds"]  # no option: it is the class's own
c.MingaSpawner.idle_interval = faults["seconds"]
site = c.MingaSpawner.sites["bench"]
# Slurm's own commands, through programs that delay them or damage their answer (rig.py).
site.environment["PATH"] = f"{faults['programs']}:{site.environment['PATH']}"
site.queue.timeout = 12  # a command that tries for 50 s is given up earlier than in reality
state = SimpleNamespace(
    hub=folder,
    read=lambda name: {"name": faults["installation"]},
)
orphans.configure(
    c, SimpleNamespace(orphans=faults["orphans"]), state, interval=3 * faults["seconds"]
)

"""The configuration of a hub that is measured; its settings come as JSON in the environment.

Everything that is not the spawner is the same for all: addresses, database (SQLite, in a file),
proxy, one service with all rights that plays the people.
"""

import json
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sqlalchemy import event  # noqa: E402
from sqlalchemy.engine import Engine  # noqa: E402

from benchmarks.rounds import RoundHandler  # noqa: E402
from hub_config import collector, hub_database  # noqa: E402

settings = json.loads(os.environ["MINGA_BENCHMARK_SETTINGS"])
folder = Path(settings["folder"])
python = sys.executable
programs = Path(python).parent
stub = [python, "-I", "-S", str(ROOT / "benchmarks" / "stub.py")]

# Each process that the hub starts leaves a line: no wrapper, so nothing else is slowed down.
COUNTED = ("squeue", "sbatch", "scancel", "sacct", "scontrol", "sinfo", "launcher.py")
calls = os.open(folder / "calls", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def count(event, arguments):
    """Note what is started, and when."""
    if event == "subprocess.Popen":
        command = arguments[1]
        words = " ".join(map(str, command)) if isinstance(command, list | tuple) else str(command)
        name = next((name for name in COUNTED if name in words), "other")
        os.write(calls, f"{time.time():.3f} {name}\n".encode())


sys.addaudithook(count)

c = get_config()  # noqa: F821 (given by JupyterHub)
c.JupyterHub.bind_url = f"http://127.0.0.1:{settings['port']}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{settings['hub_port']}"
c.JupyterHub.db_url = f"sqlite:///{folder / 'jupyterhub.sqlite'}"
# For stock too: it would wait for the disk.
event.listen(Engine, "connect", hub_database.write_ahead)
c.JupyterHub.cookie_secret_file = str(folder / "cookie_secret")
c.JupyterHub.cleanup_servers = False
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{settings['proxy_port']}"
c.ConfigurableHTTPProxy.command = settings["proxy"]
c.ConfigurableHTTPProxy.pid_file = str(folder / "proxy.pid")
c.JupyterHub.services = [{"name": "people", "api_token": settings["token"]}]
c.JupyterHub.load_roles = [
    {
        "name": "people",
        "scopes": ["admin:users", "admin:servers", "access:servers", "read:hub"],
        "services": ["people"],
    }
]
c.JupyterHub.extra_handlers = [(r"/api/benchmark/round", RoundHandler)]
c.JupyterHub.api_page_default_limit = c.JupyterHub.api_page_max_limit = 2000
c.Spawner.environment = settings["session_environment"]
if settings["spawner"] != "stock" and not settings["stub"]:
    # What a session of Minga starts; the floor starts the same. Imported here, because it takes
    # stock's announcement out of the hub.
    from hub_config.sessions import jupyter_config

    c.Spawner.environment |= {
        "JUPYTER_CONFIG_PATH": os.pathsep.join(jupyter_config("es", "student")),
        "MINGA_COURSE": "ai-foundations",
        # Nothing is fetched there: it says that this is a session of Minga.
        "MINGA_EXCHANGE_URL": "http://127.0.0.1:9/services/exchange/",
        "MINGA_LANGUAGE": "es",
    }
c.Spawner.args = ["--allow-root"] if os.geteuid() == 0 and not settings["stub"] else []
c.Spawner.default_url = "/lab"
if settings["concurrent_spawn_limit"] is not None:
    c.JupyterHub.concurrent_spawn_limit = settings["concurrent_spawn_limit"]

if settings["spawner"] == "ours":
    hub_database.configure()
    collector.configure()
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.auth_token = settings["token"]
    from spawners.choices import Course, Offer, Profile, SiteTitle
    from spawners.sites import SlurmSite
    from spawners.slurm import MingaSpawner

    title = {"es": "Medición", "en": "Measurement"}
    offer = Offer(
        courses=[Course(name="course", title=title)],
        sites=[SiteTitle(name="bench", title=title)],
        profiles=[
            Profile(
                name=name,
                title=title,
                gpus=gpus,
                cores=1,
                memory_gb=1,
                hours_max=8,
                sites=["bench"],
            )
            for name, gpus in (("cpu", 0), ("gpu", 1))
        ],
        languages=["es", "en"],
    )
    c.JupyterHub.spawner_class = MingaSpawner
    # As hub_config/sessions.py has it: the scheduler is what has a queue.
    c.JupyterHub.concurrent_spawn_limit = 0
    c.MingaSpawner.consecutive_failure_limit = 0
    c.MingaSpawner.sites = {
        "bench": SlurmSite(
            "bench",
            environment=settings["slurm_environment"],
            addresses={node: "127.0.0.1" for node in settings["nodes"]},
            listen="127.0.0.1",
            partition=settings["partition"],
        )
    }
    c.MingaSpawner.offers = lambda spawner: offer
    c.MingaSpawner.home = lambda spawner: str(folder / "homes" / spawner.user.name)
    c.MingaSpawner.cmd = stub if settings["stub"] else [str(programs / "jupyterhub-singleuser")]
elif settings["spawner"] == "stock":
    from benchmarks.stock import StockSpawner

    c.JupyterHub.spawner_class = StockSpawner
    c.StockSpawner.homes = str(folder / "homes")
    c.StockSpawner.req_partition = settings["partition"]
    c.StockSpawner.req_memory = "1G"
    c.StockSpawner.req_nprocs = "1"
    c.StockSpawner.req_runtime = "1:00:00"
    c.Spawner.env_keep = ["PATH", "LANG", "LC_ALL", *settings["slurm_environment"]]
    if settings["stub"]:
        c.StockSpawner.batchspawner_singleuser_cmd = " ".join([*stub, "--announce"])
        c.StockSpawner.cmd = ["stub"]
        c.StockSpawner.req_srun = ""
else:
    c.JupyterHub.spawner_class = "simple"  # JupyterHub's own local processes: the floor
    c.SimpleLocalProcessSpawner.home_dir_template = str(folder / "homes" / "{username}")
    c.SimpleLocalProcessSpawner.cmd = [str(programs / "jupyterhub-singleuser")]

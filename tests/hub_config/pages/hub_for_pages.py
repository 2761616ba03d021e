"""A JupyterHub that shows every page: the real hub and proxy, with sessions that do little.

Read as `jupyterhub --config`. What a session does follows the profile that was chosen:
`cpu` starts, `gpu` waits in a queue for ever, `broken` is refused by the site.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

from jupyterhub.spawner import SimpleLocalProcessSpawner
from traitlets import Any, default

REPO = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPO))

from hub_config import pages  # noqa: E402
from spawners import outlook, quota  # noqa: E402
from spawners.capacity import SiteCapacity, parse  # noqa: E402
from spawners.choices import Offer  # noqa: E402
from spawners.messages import Message, SessionError  # noqa: E402
from spawners.queue import Job, Snapshot  # noqa: E402

LANGUAGES = ("es", "en")
SERVER = """
import http.server, os, sys, urllib.parse, jupyterhub
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("X-JupyterHub-Version", jupyterhub.__version__)
        self.end_headers()
        self.wfile.write(b"<title>JupyterLab</title>")
    def log_message(self, *args): pass
where = urllib.parse.urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
http.server.ThreadingHTTPServer((where.hostname, where.port), Page).serve_forever()
"""


class Site:
    """A site whose cluster answered once: two nodes of 16 CPUs and 4 GPUs, `free` of these."""

    def __init__(self, name, state, used_cpus, used_gpus, waiting):
        line = (
            f"{name}-n{{}}@gpu*@up@{state}@{used_cpus}/{16 - used_cpus}/0/16@1@256000@"
            f"{used_cpus * 2000}@gpu:a100:4@gpu:a100:{used_gpus}(IDX:0-{used_gpus})@8:00:00@"
        )
        jobs = {str(n): Job(str(n), "PENDING", partition="gpu") for n in range(waiting)}
        self.queue = self  # whose `latest` answer is below
        self.latest = Snapshot(0, jobs)
        self.capacity = SiteCapacity(name, "gpu", self, None)
        self.capacity.view = parse("\n".join(line.format(node) for node in range(2)), "gpu")
        self.capacity.starts = lambda need, hours: int(time.time()) + 540


SITES = {
    "chile": Site("chile", "allocated", 16, 4, 3),
    "colombia": Site("colombia", os.environ.get("PAGES_COLOMBIA", "mixed"), 4, 1, 0),
}


HOURS_LEFT = {
    "ai-foundations": {
        "chile": quota.line(quota.Hours(1200, 480), quota.Hours(120_000, 119_700)),
        "colombia": quota.line(quota.Hours(600, 590, 10), None),
    },
    "supercomputing": {"chile": quota.line(None, quota.Hours(6000, 5950))},
}


class PagesSpawner(SimpleLocalProcessSpawner):
    """Offers what Minga's spawner offers, and starts a web page for a notebook server."""

    options_form = "minga"
    last_error = Any()
    waiting = False

    @default("cmd")
    def _a_small_server(self):
        return [sys.executable, "-c", SERVER]

    def offer(self):
        """What the start form shows."""
        both = ["chile", "colombia"]
        return {
            "courses": [
                {
                    "name": "ai-foundations",
                    "title": {"es": "Fundamentos de IA", "en": "AI foundations"},
                },
                {"name": "supercomputing", "title": {"es": "Supercómputo", "en": "Supercomputing"}},
            ],
            "sites": [
                {"name": "chile", "title": {"es": "Chile", "en": "Chile"}},
                {"name": "colombia", "title": {"es": "Colombia", "en": "Colombia"}},
            ],
            "profiles": [
                profile("cpu", "Cuaderno", "Notebook", 0, 2, 4, 8, both),
                profile("gpu", "Una GPU", "One GPU", 1, 8, 32, 4, both),
                profile("broken", "Cuatro GPU", "Four GPUs", 4, 16, 128, 2, ["colombia"]),
            ],
            "previous": None,
            "outlook": self.outlook(),
            "scheduler": os.environ.get("PAGES_SCHEDULER", "local"),
            "shared_account": True,
        }

    def outlook(self):
        """What the sites have free: in chile nothing."""
        both = ["chile", "colombia"]
        title = {"es": "-"}
        shown = outlook.outlook(
            Offer(
                courses=[],
                sites=[{"name": name, "title": title} for name in both],
                profiles=[
                    profile("cpu", "", "", 0, 2, 4, 8, both),
                    profile("gpu", "", "", 1, 8, 32, 4, both),
                    profile("broken", "", "", 4, 16, 128, 2, ["colombia"]),
                ],
                languages=["es"],
            ),
            SITES,
        )
        return {**shown, "hours_left": HOURS_LEFT}

    def options_from_form(self, form):
        """The first value of each field; hours outside 1 to 8 are refused."""
        chosen = {key: values[0] for key, values in form.items()}
        if not 1 <= int(chosen["hours"]) <= 8:
            self.last_error = Message(
                "Las horas deben ser un número entero entre 1 y {most}; recibimos «{value}».",
                {"most": 8, "value": chosen["hours"]},
            )
            raise SessionError(self.last_error, reason="hours")
        self.last_error = None
        return chosen

    async def start(self):
        """Start, wait or fail, as the profile says."""
        if self.user_options.get("profile") == "broken":
            await asyncio.sleep(2)
            self.last_error = Message(
                "No se pudo pedir tu sesión en la sede {site}: {why}.",
                {
                    "site": "Colombia",
                    "why": Message(
                        "ningún equipo de esta sede tiene tantos recursos; elige una máquina "
                        "más pequeña"
                    ),
                },
            )
            raise SessionError(self.last_error, reason="refused")
        if self.user_options.get("profile") == "gpu":
            self.waiting = True
            await asyncio.sleep(600)
        await asyncio.sleep(3)
        return await super().start()

    async def poll(self):
        """None while it lives or waits."""
        return None if self.waiting else await super().poll()

    async def stop(self, now=False):
        """End the process; take back what waits."""
        self.waiting = False
        await asyncio.sleep(float(os.environ.get("PAGES_STOP_SECONDS", "0")))
        await super().stop(now)

    async def progress(self):
        """What Minga's spawner says while a session waits."""
        message = Message("En la cola de {site}.", {"site": "Chile"})
        sentences = {
            language: message.render(lambda text, lang=language: pages.translate(text, lang))
            for language in LANGUAGES
        }
        yield {"progress": 15, "message": sentences["es"], "messages": sentences}
        await asyncio.sleep(600)


def profile(name, spanish, english, gpus, cores, memory, hours, sites):
    """A size of machine, as `offer` describes it."""
    return {
        "name": name,
        "title": {"es": spanish, "en": english},
        "gpus": gpus,
        "cores": cores,
        "memory_gb": memory,
        "hours_max": hours,
        "sites": sites,
    }


port = int(os.environ["PAGES_PORT"])
c = get_config()  # noqa: F821
c.JupyterHub.bind_url = f"http://127.0.0.1:{port}/"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{port + 1}/"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{port + 2}"
c.ConfigurableHTTPProxy.command = [os.environ["CONFIGURABLE_HTTP_PROXY"]]
c.ConfigurableHTTPProxy.auth_token = "only-for-this-test"
c.JupyterHub.db_url = "sqlite:///:memory:"
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = "aprender-en-minga"
c.SharedPasswordAuthenticator.admin_password = "administrar-minga-con-mucho-cuidado"
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {"admin"}
c.JupyterHub.spawner_class = PagesSpawner
c.JupyterHub.redirect_to_server = False
c.JupyterHub.allow_named_servers = bool(os.environ.get("PAGES_NAMED"))
c.JupyterHub.load_groups = {"formgrade-ai-foundations": {"users": ["docente"]}}
server = [sys.executable, "-c", SERVER]
c.JupyterHub.services = [
    {"name": "ai-foundations", "url": f"http://127.0.0.1:{port + 3}", "command": server},
    {"name": "book", "url": f"http://127.0.0.1:{port + 4}", "command": server},
    {
        "name": "tablero",
        "oauth_client_id": "service-tablero",
        "oauth_redirect_uri": f"http://127.0.0.1:{port}/tablero",
        "api_token": "v" * 32,
    },
]
c.JupyterHub.load_roles = [
    {
        "name": "formgrade-ai-foundations",
        "groups": ["formgrade-ai-foundations"],
        "scopes": ["access:services!service=ai-foundations"],
    },
    {
        "name": "user",
        "scopes": [
            "self",
            "shares!user",
            "list:users!user",
            "access:services!service=tablero",
            "access:services!service=book",
        ],
    },
]
pages.configure(
    c,
    titles={"ai-foundations": {"es": "Fundamentos de IA", "en": "AI foundations"}},
    try_out=True,
    hidden_services=("book",),
)

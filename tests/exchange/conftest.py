"""A course in an exchange service, and people who use nbgrader's own commands as in a session.

Everybody has a folder of their own, as on sites that share no file system: between them there is
only HTTP.
"""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.exchange.service.exchange_server import ACCESS, PREFIX, ExchangeServer

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "una-llave-de-prueba"


class Hub:
    """What the hub says of people: to their sessions, and to the exchange about their tokens."""

    def __init__(self, course: str):
        hub = self
        self.groups: dict[str, list[str]] = {}
        self.course = course

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                token = self.headers["Authorization"].removeprefix("token ")
                answer = hub.model(token) if token.startswith(TOKEN) else None
                name = self.path.rsplit("/", 1)[-1]
                if self.path != "/hub/api/user" and answer and answer["name"] != name:
                    answer = None  # users see only themselves
                self.send_response(200 if answer else 403)
                self.end_headers()
                self.wfile.write(json.dumps(answer or {}).encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hub/api"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def model(self, token: str) -> dict | None:
        name = token.removeprefix(f"{TOKEN}-")
        if name == self.course:
            return {"kind": "service", "name": name, "scopes": [ACCESS]}
        if name in self.groups:
            groups = self.groups[name]
            return {"kind": "user", "name": name, "groups": groups, "scopes": [ACCESS]}
        return None


class Classroom:
    """One course, released; everybody works through `nbgrader` with the session's variables."""

    course = "supercomputing"
    assignment = "escalamiento-fuerte"

    def __init__(self, folder: Path):
        self.folder, self.hub = folder, Hub(self.course)
        self.root = folder / "formgrader" / "root"
        self.exchange = ExchangeServer(folder / "exchange", self.hub).start()
        self.url = f"http://127.0.0.1:{self.exchange.port}{PREFIX}"

    def close(self) -> None:
        self.exchange.stop()
        self.hub.server.shutdown()

    def common(self, home: Path, token: str) -> dict[str, str]:
        home.mkdir(exist_ok=True, parents=True)
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "MINGA"))}
        return {
            **keep,
            "HOME": str(home),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": str(ROOT),
            "JUPYTER_CONFIG_PATH": str(ROOT / "courses" / "jupyter"),
            "JUPYTERHUB_API_URL": self.hub.url,
            "JUPYTERHUB_API_TOKEN": f"{TOKEN}-{token}",
            "MINGA_EXCHANGE_URL": self.url,
        }

    def publish(self, *more: str):
        """Run what the launcher runs."""
        command = [sys.executable, "-m", "courses.publish", "--course", self.course]
        command += ["--course-root", str(self.root), "--exchange", self.url, *more]
        environment = self.common(self.root.parent, self.course)
        return self._run(ROOT, environment, *command)

    def home(self, student: str, site: str = "") -> Path:
        return self.folder / (site or "chile") / f"home-{student}"

    def student(self, name: str, language: str, *command: str, site: str = ""):
        home = self.home(name, site)
        environment = self.common(home, name) | {
            "JUPYTERHUB_USER": name,
            "MINGA_COURSE": self.course,
            "MINGA_LANGUAGE": language,
        }
        return self._run(home, environment, *command)

    def instructor(self, *command: str):
        environment = self.common(self.root.parent, self.course) | {
            "MINGA_COURSE": self.course,
            "MINGA_COURSE_ROOT": str(self.root),
        }
        done = self._run(self.root.parent, environment, *command)
        assert done.returncode == 0, done.log
        return done

    def _run(self, folder: Path, environment: dict[str, str], *command: str):
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
        )
        done.log = done.stdout + done.stderr
        return done

    def work(self, student: str, site: str = "") -> Path:
        return self.home(student, site) / self.course / self.assignment

    def notebook(self, student: str, site: str = "") -> Path:
        return self.work(student, site) / f"{self.assignment}.ipynb"


@pytest.fixture(scope="module")
def classroom(tmp_path_factory) -> Classroom:
    """The course with two students in it, estudiante1 and estudiante2."""
    room = Classroom(tmp_path_factory.mktemp("classroom"))
    try:
        for name in ("estudiante1", "estudiante2"):
            room.hub.groups[name] = [f"nbgrader-{room.course}"]
        done = room.publish()
        assert done.returncode == 0, done.log
        yield room
    finally:
        room.close()

"""A course in an exchange, and students who use nbgrader's own commands as in a session."""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "una-llave-de-prueba"


class Hub:
    """What a session asks the hub: in which groups its person is. Users see only themselves."""

    def __init__(self):
        hub = self
        self.groups: dict[str, list[str]] = {}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.rsplit("/", 1)[-1]
                known = self.headers["Authorization"] == f"token {TOKEN}-{name}"
                body = json.dumps({"name": name, "groups": hub.groups.get(name, [])}).encode()
                self.send_response(200 if known else 403)
                self.end_headers()
                self.wfile.write(body if known else b"{}")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hub/api"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Classroom:
    """One course, published; everybody works through `nbgrader` with the session's variables."""

    course = "supercomputing"
    assignment = "escalamiento-fuerte"

    def __init__(self, folder: Path, hub: Hub):
        self.folder, self.hub = folder, hub
        self.root, self.exchange = folder / "root", folder / "exchange"

    def common(self, home: Path) -> dict[str, str]:
        home.mkdir(exist_ok=True)
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "MINGA"))}
        return {
            **keep,
            "HOME": str(home),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "JUPYTER_CONFIG_PATH": str(ROOT / "courses" / "jupyter"),
            "MINGA_EXCHANGE": str(self.exchange),
            "MINGA_SHARED_ACCOUNT": "1",
        }

    def home(self, student: str) -> Path:
        return self.folder / f"home-{student}"

    def student(self, name: str, language: str, *command: str):
        environment = self.common(self.home(name)) | {
            "JUPYTERHUB_USER": name,
            "JUPYTERHUB_API_URL": self.hub.url,
            "JUPYTERHUB_API_TOKEN": f"{TOKEN}-{name}",
            "MINGA_COURSE": self.course,
            "MINGA_LANGUAGE": language,
        }
        return self._run(self.home(name), environment, *command)

    def instructor(self, *command: str):
        environment = self.common(self.folder / "home-formgrader") | {
            "MINGA_COURSE": self.course,
            "MINGA_COURSE_ROOT": str(self.root),
        }
        done = self._run(self.folder, environment, *command)
        assert done.returncode == 0, done.stderr
        return done

    def _run(self, folder: Path, environment: dict[str, str], *command: str):
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
        )
        done.log = done.stdout + done.stderr
        return done

    def work(self, student: str) -> Path:
        return self.home(student) / self.course / self.assignment

    def notebook(self, student: str) -> Path:
        return self.work(student) / f"{self.assignment}.ipynb"


@pytest.fixture(scope="module")
def classroom(tmp_path_factory) -> Classroom:
    """The course with two students in it, estudiante1 and estudiante2."""
    hub = Hub()
    room = Classroom(tmp_path_factory.mktemp("classroom"), hub)
    for name in ("estudiante1", "estudiante2"):
        hub.groups[name] = [f"nbgrader-{room.course}"]
    command = [sys.executable, "-m", "courses.publish", "--course", room.course]
    command += ["--course-root", str(room.root), "--exchange", str(room.exchange)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    yield room
    hub.server.shutdown()

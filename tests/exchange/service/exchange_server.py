"""A real exchange service as a process, a hub that knows some tokens, and people who ask."""

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from tests.conftest import free_port

ROOT = Path(__file__).resolve().parents[3]
PREFIX = "/services/exchange/"
ACCESS = "access:services!service=exchange"
COURSE, OTHER = "ai-foundations", "supercomputing"

PEOPLE = {
    "student": [f"nbgrader-{COURSE}"],
    "classmate": [f"nbgrader-{COURSE}"],
    "instructor": [f"formgrade-{COURSE}"],
    "other-instructor": [f"formgrade-{OTHER}"],
    "stranger": [],
}
CRASH = 30  # seconds to wait for what takes less than one


class FakeHub:
    """`GET /user`, as JupyterHub answers it for a token; what HubAuth asks."""

    def __init__(self):
        self.models: dict[str, dict] = {}
        self.asked, self.closed = 0, False
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                hub.asked += 1
                if hub.closed:  # connections that are kept alive would outlive the server
                    self.close_connection = True
                    return
                token = self.headers["Authorization"].removeprefix("token ")
                known = hub.models.get(token) if self.path == "/hub/api/user" else None
                body = json.dumps(known or {"status": 403}).encode()
                self.send_response(200 if known else 403)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 512

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hub/api"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        for name, groups in PEOPLE.items():
            self.user(name, groups)
        self.models["formgrader"] = {"kind": "service", "name": COURSE, "scopes": [ACCESS]}
        self.models["no-scope"] = self.models["student"] | {"scopes": ["access:servers!server=x"]}

    def user(self, name: str, groups: list[str]) -> str:
        """Make a user whose token is the name."""
        self.models[name] = {"kind": "user", "name": name, "groups": groups, "scopes": [ACCESS]}
        return name

    def close(self) -> None:
        self.closed = True
        self.server.shutdown()
        self.server.server_close()


class ExchangeServer:
    """`python -m exchange.service` with a folder and a port of its own."""

    def __init__(self, folder: Path, hub: FakeHub, **environment: str):
        self.folder, self.hub = folder, hub
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}{PREFIX}v1/"
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "MINGA"))},
            "PYTHONPATH": str(ROOT),
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{self.port}",
            "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
            "JUPYTERHUB_SERVICE_NAME": "exchange",
            "JUPYTERHUB_API_URL": hub.url,
            "JUPYTERHUB_API_TOKEN": "the-service",
            "MINGA_EXCHANGE_FOLDER": str(folder),
            **environment,
        }
        self.log = folder.with_name(folder.name + ".log")
        self.process = None

    def start(self, ready: bool = True, preexec=None, **environment: str) -> "ExchangeServer":
        """Start it from a folder that is not the repository; wait until it answers."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "exchange.service"],
                cwd="/",
                env=self.environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=preexec,
            )
        end = time.monotonic() + CRASH * 2
        while ready:
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, self.said()
            try:
                httpx.get(self.url + "health", timeout=5)
                break
            except httpx.TransportError:
                time.sleep(0.05)
        return self

    def kill(self) -> None:
        """End it without warning, as a power cut does to a process."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(CRASH)

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(CRASH)
            finally:
                self.process.kill()

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def check(self) -> dict:
        """Compare every receipt with the disk, as an operator does."""
        done = subprocess.run(
            [sys.executable, "-m", "exchange.service.check", "--json"],
            cwd="/",
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.stdout, done.stderr
        return json.loads(done.stdout) | {"status": done.returncode}

    def person(self, name: str, **headers: str) -> "Asking":
        return Asking(self, name, headers)


class Asking:
    """Somebody with a token (their name), or nobody ("anonymous")."""

    def __init__(self, server: ExchangeServer, name: str, headers: dict[str, str]):
        if name != "anonymous":
            headers = {"Authorization": f"token {name}", **headers}
        self.http = httpx.Client(base_url=server.url, headers=headers, timeout=60, verify=False)

    def __getattr__(self, method: str):
        return getattr(self.http, method)

    def submit(self, files: dict[str, bytes], assignment="a1", course=COURSE, key=None, **more):
        headers = {"Idempotency-Key": key or secrets.token_hex(8)}
        return self.http.post(
            f"courses/{course}/assignments/{assignment}/submissions",
            files=parts(files),
            headers=headers,
            **more,
        )

    def release(self, files: dict[str, bytes], assignment="a1", course=COURSE):
        return self.http.put(
            f"courses/{course}/assignments/{assignment}/release", files=parts(files)
        )

    def policy(self, assignment="a1", course=COURSE, **policy):
        return self.http.put(f"courses/{course}/assignments/{assignment}/policy", json=policy)


def parts(files: dict[str, bytes]) -> list:
    return [("files", (path, content)) for path, content in files.items()]


def problem(answer: httpx.Response, status: int, code: str) -> dict:
    """Say that an answer is this problem; return it."""
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    ), answer.text
    said = answer.json()
    assert said["code"] == code and said["status"] == status, said
    assert said["title"] and said["detail"], said
    return said

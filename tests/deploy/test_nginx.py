"""nginx takes our site, and does what it says in front of a hub that runs."""

import json
import re
import shutil
import ssl
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
import websocket
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from spawners.cluster import packages
from tests.conftest import ROOT, free_port
from tests.spawners.test_sessions import CHOICE

pytestmark = pytest.mark.slow

SITE = ROOT / "deploy" / "nginx" / "minga.conf"
FETCHED = ROOT / ".minga" / "nginx"
NAME = "minga.example"


def nginx() -> Path:
    """Debian's nginx: installed, or unpacked beside the checkout's other fetched programs."""
    found = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if not found and not list(FETCHED.glob("*/usr/sbin/nginx")):
        try:
            packages.unpack(FETCHED, ("nginx",))
        except OSError as error:
            pytest.skip(f"nginx cannot be had: {error}")
    return Path(found) if found else next(FETCHED.glob("*/usr/sbin/nginx"))


def certificate(folder: Path) -> None:
    """Write a certificate for NAME that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, *form)
    (folder / "privkey.pem").write_bytes(private)


class Front:
    """nginx with our site, on loopback ports, in a folder of its own."""

    def __init__(self, folder: Path, hub_port: int):
        self.folder, self.program = folder, nginx()
        self.http, self.https = free_port(), free_port()
        certificate(folder)
        text = SITE.read_text()
        text = text.replace("127.0.0.1:8000", f"127.0.0.1:{hub_port}")
        text = re.sub(r" *listen \[::\]:\d+.*;\n", "", text)
        text = text.replace("listen 80;", f"listen 127.0.0.1:{self.http};")
        text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{self.https} ssl")
        text = text.replace(f"/etc/letsencrypt/live/{NAME}", str(folder))
        (folder / "site.conf").write_text(text)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "\n".join(f"{kind}_temp_path {folder / kind};" for kind in kinds)
        (folder / "nginx.conf").write_text(
            f"pid {folder / 'pid'}; error_log {folder / 'error.log'}; daemon off;\n"
            "events {}\n"
            f"http {{\n{temporary}\naccess_log off;\ninclude {folder / 'site.conf'};\n}}\n"
        )
        self.command = [self.program, "-p", folder, "-c", folder / "nginx.conf"]
        self.command += ["-e", folder / "error.log"]
        self.base = f"https://127.0.0.1:{self.https}"

    def test(self) -> str:
        done = subprocess.run([*self.command, "-t"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                return self.get("/hub/health").raise_for_status()
            except requests.ConnectionError:
                time.sleep(0.05)
        raise AssertionError((self.folder / "error.log").read_text())

    def get(self, path: str, **more):
        return self.ask("GET", path, **more)

    def ask(self, method: str, path: str, headers=None, **more):
        more.setdefault("allow_redirects", False)
        named = {"Host": NAME, **(headers or {})}
        where = self.base + path
        return requests.request(method, where, headers=named, verify=False, timeout=30, **more)


@pytest.fixture(scope="module")
def front(minga, tmp_path_factory):
    # nginx's workers give root up: the folder must be theirs to reach.
    running = Front(tmp_path_factory.mktemp("nginx"), minga.port)
    for folder in [running.folder, *list(running.folder.parents)[:3]]:
        folder.chmod(0o755)
    running.test()
    running.start()
    yield running
    running.process.terminate()
    running.process.wait(20)


def at_once(ask, times: int) -> list:
    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(ask, range(times)))


def test_nginx_finds_no_fault_in_it(tmp_path):
    said = Front(tmp_path, 8000).test()
    assert "test is successful" in said and "[warn]" not in said


def test_plain_http_leads_to_tls(front):
    url = f"http://127.0.0.1:{front.http}/hub/home?x=1"
    answer = requests.get(url, headers={"Host": NAME}, allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers["Location"]) == (
        301,
        f"https://{NAME}/hub/home?x=1",
    )


@pytest.mark.parametrize("path", ["/hub/login", "/services/book/es/", "/hub/nowhere"])
def test_pages_have_the_headers(front, path):
    headers = front.get(path).headers
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Server"] == "nginx"


def test_cookies_are_for_tls_alone_and_nobody_lies_about_it(front):
    lying = {"X-Forwarded-Proto": "http", "X-Scheme": "http", "Forwarded": "proto=http"}
    answer = front.get("/hub/login", headers=lying)
    assert answer.status_code == 200
    cookies = answer.raw.headers.getlist("Set-Cookie")
    assert cookies and all("secure" in cookie.lower() for cookie in cookies), cookies


def test_metrics_are_not_for_the_internet(front):
    assert front.get("/hub/metrics").status_code == 404


def test_somebody_logs_in_and_a_kernel_answers_through_it(front, minga):
    person = minga.login("estudiante1")
    person.start(**CHOICE)
    try:
        base = "/user/estudiante1"
        auth = {"Authorization": f"token {person.token}"}
        kernel = front.ask("POST", f"{base}/api/kernels", headers=auth, json={}).json()
        socket = websocket.create_connection(
            f"wss://127.0.0.1:{front.https}{base}/api/kernels/{kernel['id']}/channels",
            header=[f"Authorization: token {person.token}"],
            host=NAME,
            origin=f"https://{NAME}",
            sslopt={"cert_reqs": ssl.CERT_NONE, "check_hostname": False},
            timeout=60,
        )
        header = {"msg_id": "1", "msg_type": "execute_request", "username": "", "session": "s",
                  "version": "5.3", "date": ""}  # fmt: skip
        content = {"code": "print(6 * 7)", "silent": False, "store_history": False,
                   "user_expressions": {}, "allow_stdin": False}  # fmt: skip
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        socket.send(json.dumps({**message, "channel": "shell", "buffers": []}))
        printed = ""
        while "42" not in printed:
            said = json.loads(socket.recv())
            printed += str(said["content"].get("text", ""))
        socket.close()
    finally:
        person.stop()


def test_a_class_may_log_in_at_once_and_whoever_tries_passwords_is_slowed_down(front):
    def log_in(_):
        return front.ask("POST", "/hub/login", data={"username": "x", "password": "wrong"})

    answers = at_once(log_in, 61)
    assert {answer.status_code for answer in answers} <= {200, 403}  # one, and 60 more at once
    refused = [answer for answer in at_once(log_in, 120) if answer.status_code == 429]
    assert refused and "Espera un minuto" in refused[0].content.decode()
    assert refused[0].headers["Strict-Transport-Security"]
    assert front.get("/hub/login").status_code == 200  # reading is not counted


def test_the_start_of_sessions_is_counted_apart(front):
    token = {"Authorization": "token nobody's"}
    paths = [
        "/hub/api/users/x/server",
        "/hub/api/users/x/servers/two",
        "/hub/spawn",
        "/hub/spawn/x",
    ]
    answers = at_once(lambda n: front.ask("POST", paths[n % 4], headers=token), 200)
    refused = sum(answer.status_code == 429 for answer in answers)
    assert 0 < refused <= 200 - 61
    assert front.get("/hub/spawn").status_code != 429
    assert front.get("/hub/api/users/x").status_code != 429


def test_a_hub_that_is_away_is_said_to_be(tmp_path):
    for folder in [tmp_path, *list(tmp_path.parents)[:3]]:
        folder.chmod(0o755)
    alone = Front(tmp_path, free_port())
    alone.process = subprocess.Popen(alone.command, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                answer = alone.get("/hub/login")
                break
            except requests.ConnectionError:
                time.sleep(0.05)
        assert answer.status_code == 503 and "las sesiones siguen vivas" in answer.content.decode()
    finally:
        alone.process.terminate()
        alone.process.wait(20)

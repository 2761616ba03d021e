"""What tests of several rooms share: a real Minga, started as `make hub` starts it."""

import asyncio
import atexit
import functools
import json
import os
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import yaml
from hypothesis import settings
from playwright.sync_api import sync_playwright

from hub_config.deployment import DEFAULT

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def minga_of(deployment: dict, folder: Path, monkeypatch):
    """A Minga of its own, with that deployment, running while the block lasts."""
    file = folder / "deployment.yaml"
    file.write_text(yaml.safe_dump(deployment))
    monkeypatch.setenv("MINGA_DEPLOYMENT", str(file))
    minga = Minga(folder / "state", free_port()).start()
    try:
        yield minga
    finally:
        minga.interrupt()


def in_a_loop_of_its_own(test):
    """Run an async test in a thread: Playwright's loop runs in the main one, across all tests."""

    @functools.wraps(test)
    def run(*arguments, **named):
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, test(*arguments, **named)).result()

    return run


# A property holds or not; how long a busy machine takes to see it says nothing.
settings.register_profile("minga", deadline=None)
settings.load_profile("minga")

TEMPORARY_MODE = pytest.StashKey[int]()


def pytest_configure(config):
    """Let other accounts write temporary files: some machines come with a /tmp for root alone.

    Tests with ordinary accounts need it as every installation has it (mode 1777, FHS 3.18).
    """
    found = stat.S_IMODE(os.stat(tempfile.gettempdir()).st_mode)
    if os.geteuid() == 0 and found & 0o777 != 0o777 and not hasattr(config, "workerinput"):
        config.stash[TEMPORARY_MODE] = found
        os.chmod(tempfile.gettempdir(), 0o1777)


def pytest_unconfigure(config):
    if TEMPORARY_MODE in config.stash:
        os.chmod(tempfile.gettempdir(), config.stash[TEMPORARY_MODE])


# With several workers (pytest -n), what takes longest begins first.
LONGEST = ("journeys", "spawners/test_personal_accounts", "spawners/faults", "attacks", "courses")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: _rank(item.path.relative_to(ROOT / "tests").as_posix()))


def _rank(file: str) -> int:
    return next((n for n, start in enumerate(LONGEST) if file.startswith(start)), len(LONGEST))


class Checkout:
    """A clone of this repository, set up by an ordinary account for itself."""

    def __init__(self, account: str, home: Path):
        self.account, self.home, self.root = account, home, home / "minga"
        self.python = str(self.root / ".venv" / "bin" / "python")
        self.prefix = [shutil.which("runuser"), "-u", account, "--"]

    def environment(self) -> dict[str, str]:
        """What a login of this account has: a PATH without root's own programs."""
        # How this machine reaches the registries is not the account's but the machine's.
        registries = re.compile("^(PIP|UV|NPM|NODE|SSL)_|_CERT|_CA_")
        keep = {name: value for name, value in os.environ.items() if registries.search(name)}
        return {**keep, "HOME": str(self.home), "USER": self.account, "PATH": "/usr/bin:/bin"}


@functools.cache
def two_courses() -> Path:
    """Return the try-out's deployment with its first two courses: half the time of a start."""
    deployment = yaml.safe_load(DEFAULT.read_text())
    deployment["courses"] = dict(list(deployment["courses"].items())[:2])
    file = Path(tempfile.mkdtemp(prefix="minga-tests-")) / "two-courses.yaml"
    atexit.register(shutil.rmtree, file.parent, ignore_errors=True)
    file.write_text(yaml.safe_dump(deployment, allow_unicode=True, sort_keys=False))
    return file


class Minga:
    """A running installation, in a state folder of its own."""

    arguments: tuple[str, ...] = ()  # of its launcher

    def __init__(self, state: Path, port: int, checkout: Checkout | None = None, prefix=()):
        self.state, self.port = state, port
        self.root = checkout.root if checkout else ROOT
        self.python = checkout.python if checkout else sys.executable
        self.prefix = list(prefix)  # what becomes another account
        # A whole story starts what `make hub` starts, the others what they look at.
        own = {"MINGA_DEPLOYMENT": str(two_courses()), **os.environ}
        self.environment = checkout.environment() if prefix else own
        self.url = f"http://127.0.0.1:{port}"
        self.launcher = self.output = None

    def start(self, timeout: float = 300) -> "Minga":
        """Start the launcher as a process group of its own; wait until it says it is ready."""
        self.output = self.output or self.state.with_suffix(".out")
        with open(self.output, "wb") as output:
            self.launcher = subprocess.Popen(
                [*self.prefix, self.python, "-m", "hub_config.run", *self.arguments],
                cwd=self.root,
                env={
                    **self.environment,
                    "MINGA_STATE": str(self.state),
                    "PORT": str(self.port),
                    "LANG": "es_CL.UTF-8",
                    "LC_ALL": "",
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        end = time.monotonic() + timeout
        while "Ctrl-C" not in self.said():
            assert self.launcher.poll() is None, self.said()
            assert time.monotonic() < end, self.said()
            time.sleep(0.1)
        return self

    def said(self) -> str:
        return self.output.read_text(errors="replace")

    def interrupt(self) -> None:
        """What Ctrl-C in the terminal does: SIGINT to the whole foreground group."""
        os.killpg(self.launcher.pid, signal.SIGINT)
        self.launcher.wait(timeout=120)

    @property
    def hub_pid(self) -> int:
        return json.loads((self.state / "hub" / "hub.json").read_text())["pid"]

    def passwords(self) -> dict[str, str]:
        """As a person reads them: from what the launcher printed."""
        return dict(re.findall(r"^  ([\w-]+) +(\w{10})  ", self.said(), re.MULTILINE))

    def login(self, username: str) -> "Person":
        return Person(self, username)


class Person:
    """Somebody logged in, with a cookie as a browser has it and an API token of their own."""

    def __init__(self, minga: Minga, username: str):
        self.minga, self.name = minga, username
        self.http = requests.Session()
        self.hub = minga.url + "/hub"
        page = self.http.get(self.hub + "/login")
        answer = self.http.post(
            self.hub + "/login",
            params={"_xsrf": self.xsrf(page)},
            data={"username": username, "password": minga.passwords()[username]},
        )
        assert answer.ok and "/login" not in answer.url, answer.url
        token = self.http.post(
            f"{self.hub}/api/users/{username}/tokens",
            headers={"X-XSRFToken": self.xsrf(), "Referer": self.hub + "/token"},
            json={"note": "test"},
        )
        assert token.status_code == 201, token.text
        self.token = token.json()["token"]

    def xsrf(self, _=None) -> str:
        cookies = [c for c in self.http.cookies if c.name == "_xsrf" and "/hub" in c.path]
        return cookies[-1].value if cookies else ""

    def api(self, method: str, path: str, timeout: float = 60, **arguments):
        return requests.request(
            method,
            f"{self.hub}/api{path}",
            headers={"Authorization": f"token {self.token}"},
            timeout=timeout,
            **arguments,
        )

    def server(self) -> dict:
        return self.api("GET", f"/users/{self.name}").json()["servers"].get("", {})

    def wait_for_server(self, timeout: float = 60) -> dict:
        end = time.monotonic() + timeout
        while not self.server().get("ready"):
            assert time.monotonic() < end, (self.server(), self.minga.said())
            time.sleep(0.2)
        return self.server()

    def start(self, **choice) -> dict:
        answer = self.api("POST", f"/users/{self.name}/server", json=choice)
        assert answer.status_code in (201, 202), answer.text
        return self.wait_for_server()

    def stop(self) -> None:
        self.api("DELETE", f"/users/{self.name}/server")
        end = time.monotonic() + 60
        while self.server():
            assert time.monotonic() < end, self.server()
            time.sleep(0.2)


# What keeps Chromium quiet on a closed network.
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


@pytest.fixture(scope="session")
def chromium():
    """A headless browser for the tests of all rooms: Playwright runs once in a process."""
    with sync_playwright() as playwright:
        executable = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def ordinary_checkout():
    """A Checkout that was set up by `make hub`'s own first step, as an ordinary account.

    Only root can make such an account; elsewhere the whole suite runs as an ordinary one.
    """
    if os.geteuid() != 0:
        pytest.skip("only root can make another account")
    account = f"minga-{secrets.token_hex(3)}"
    base = Path(tempfile.mkdtemp(prefix="minga-ordinary-"))
    base.chmod(0o755)
    subprocess.run(["useradd", "--create-home", "--base-dir", base, account], check=True)
    try:
        checkout = Checkout(account, base / account)
        checkout.home.chmod(0o755)
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        for name in filter(None, listed.decode().split("\0")):
            if (ROOT / name).is_file():
                target = checkout.root / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, target)
        # What a chapter put out, saved by content, and JupyterLite: it is the build of the book
        # that is tested here, once more.
        for made in (Path("_build/book-work/executed"), Path("_build/lite")):
            if (ROOT / made).is_dir():
                shutil.copytree(ROOT / made, checkout.root / made)
        subprocess.run(["chown", "-R", f"{account}:", checkout.home], check=True)
        done = subprocess.run(
            [*checkout.prefix, "/usr/bin/python3", "deploy/install.py", "hub"],
            cwd=checkout.root,
            env=checkout.environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        yield checkout
    finally:
        subprocess.run(["userdel", account], capture_output=True)
        shutil.rmtree(base, ignore_errors=True)


@pytest.fixture(scope="session")
def minga(tmp_path_factory):
    """A running Minga for all tests that leave it as they found it."""
    running = Minga(tmp_path_factory.mktemp("minga") / "state", free_port())
    try:
        yield running.start()
    finally:
        if running.launcher and running.launcher.poll() is None:
            running.interrupt()

"""The hub's own machine: programs, port, disk, folders, secrets, accounts, the login provider."""

import errno
import os
import pwd
import shutil
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

from grading import sandbox
from grading.errors import SandboxUnavailable
from hub_config import course_account, openid_provider
from hub_config.deployment import ROOT, DeploymentError
from hub_config.ending import running_launcher
from hub_config.proxy import PROXY
from spawners.sites import LAUNCHER

from .findings import PATIENCE, Finding, Installation, account

BUILD = ROOT / "_build"
LEAST_FREE = 1 << 30  # bytes; the exchange keeps 64 MiB of it for its database
CLOCK_SECONDS = 60  # munge takes 300, a login less
INSTALL = "python3 deploy/install.py hub"


def programs(installation: Installation) -> Iterator[Finding]:
    """Node and the proxy, which the hub starts."""
    node = shutil.which("node")
    version = ""
    if node:
        version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip()
    if int(version.lstrip("v").split(".")[0] or "0") < 20:
        yield Finding(
            "PATH",
            f"El proxy necesita Node 20 o más nuevo (hay: {version or 'ninguno'})",
            f"The proxy needs Node 20 or newer (found: {version or 'none'})",
            "sudo apt-get install nodejs npm",
        )
    if not (PROXY / "bin" / "configurable-http-proxy").is_file():
        yield Finding(
            str(PROXY), "El proxy no está instalado", "The proxy is not installed", INSTALL
        )


def port(installation: Installation) -> Iterator[Finding]:
    """The address and port for people, which nothing else may have."""
    hub = installation.deployment.hub
    number = installation.deployment.port
    if running_launcher(installation.state):
        return  # it is ours
    if hub.separate_proxy:
        yield from _separate_proxy(installation)
        return
    family = socket.AF_INET6 if ":" in hub.address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((hub.address, number))
            return
        except OSError as error:
            code = error.errno
    if code == errno.EADDRINUSE:
        yield Finding(
            installation.at("hub.port"),
            f"Otro programa tiene el puerto {number}",
            f"Another program has port {number}",
            f"ss -ltnp 'sport = :{number}'",
        )
    else:
        said = os.strerror(code) if code else "?"
        yield Finding(
            installation.at("hub.address"),
            f"No se puede escuchar en {hub.address}:{number} ({said})",
            f"Nothing can listen at {hub.address}:{number} ({said})",
            "ip -brief address",
        )


def _separate_proxy(installation: Installation) -> Iterator[Finding]:
    """Ask the proxy for its routes, as the hub will."""
    state = installation.state
    url = f"http://127.0.0.1:{state.ports().get('proxy', 0)}/api/routes"
    token = state.read("proxy-token").get("secret", "")
    asked = urllib.request.Request(url, headers={"Authorization": f"token {token}"})
    try:
        urllib.request.urlopen(asked, timeout=PATIENCE).close()  # noqa: S310 (loopback)
    except OSError as error:
        yield Finding(
            installation.at("hub.separate_proxy"),
            f"El proxy, que es un servicio aparte, no responde ({error})",
            f"The proxy, which is a service of its own, does not answer ({error})",
            "systemctl status minga-proxy; sudo systemctl restart minga-proxy",
        )


def disk(installation: Installation) -> Iterator[Finding]:
    """Space, and inodes, where the installation writes."""
    folder = installation.state.root
    while not folder.exists():
        folder = folder.parent
    there = os.statvfs(folder)
    free = there.f_bavail * there.f_frsize
    if free < LEAST_FREE or (there.f_files and not there.f_favail):
        yield Finding(
            f"{installation.at('state')} ({installation.state.root})",
            f"El disco está casi lleno: quedan {free >> 20} MiB, {there.f_favail} inodos",
            f"The disk is nearly full: {free >> 20} MiB, {there.f_favail} inodes left",
            f"df -h {folder} && sudo du -xhd2 {installation.state.root} | sort -h | tail",
        )


def folder(installation: Installation) -> Iterator[Finding]:
    """The state folder, which is this account's."""
    root, own = installation.state.root, account()
    nearest = root if root.exists() else next(p for p in root.parents if p.exists())
    if not os.access(nearest, os.W_OK | os.X_OK) or (root.exists() and not root.is_dir()):
        yield Finding(
            f"{installation.at('state')} ({root})",
            f"La cuenta {own} no puede escribir ahí",
            f"The account {own} cannot write there",
            f"sudo install -d -m 711 -o {own} {root}",
        )


def secrets(installation: Installation) -> Iterator[Finding]:
    """Files with keys, tokens and passwords, which this account alone may read."""
    state = installation.state
    files = [*state.hub.glob("*.json"), state.hub / "cookie_secret"]
    files += [state.hub / "prometheus-token", state.transparency / "key"]
    files.append(Path(os.environ.get("PGPASSFILE") or Path.home() / ".pgpass"))
    for file in files:
        try:
            mode = stat.S_IMODE(file.stat().st_mode)
        except OSError:
            continue  # not made yet
        if mode & 0o077:
            yield Finding(
                str(file),
                f"Otras cuentas pueden leer este secreto (permiso {mode:03o})",
                f"Other accounts can read this secret (mode {mode:03o})",
                f"chmod 600 {file}",
            )


def root_account(installation: Installation) -> Iterator[Finding]:
    """A hub need not be root."""
    if os.geteuid() == 0 and installation.deployment.accounts == "personal":
        yield Finding(
            installation.at("accounts"),
            "El hub correría como root; no hace falta (deploy/systemd, deploy/sudoers)",
            "The hub would run as root; it need not (deploy/systemd, deploy/sudoers)",
            "sudo -u minga -H make doctor",
            warning=True,
        )


def internal_tls(installation: Installation) -> Iterator[Finding]:
    """Certificates of formgraders, which only root can give to another account."""
    deployment = installation.deployment
    if deployment.hub.internal_tls and deployment.accounts == "personal" and os.geteuid():
        yield Finding(
            installation.at("hub.internal_tls"),
            "Con internal_tls, solo un hub que es root puede dar a cada formgrader su certificado",
            "With internal_tls, only a hub that is root can give each formgrader its certificate",
            f"sed -i 's/internal_tls: true/internal_tls: false/' {installation.file}",
        )


def book(installation: Installation) -> Iterator[Finding]:
    """The course book, which `make hub` builds and a service unit does not."""
    if not any((BUILD / "book").glob("*/index.html")):
        yield Finding(
            str(BUILD / "book"), "El libro no está construido", "The book is not built", "make book"
        )


def grading(installation: Installation) -> Iterator[Finding]:
    """bubblewrap, without which nothing is graded."""
    try:
        program = sandbox.bubblewrap()
    except SandboxUnavailable:
        yield Finding(
            "PATH",
            "Falta bubblewrap; sin él no se califica",
            "bubblewrap is missing; without it nothing is graded",
            "sudo apt-get install bubblewrap",
        )
        return
    user = [] if os.geteuid() == 0 else ["--unshare-user"]
    command = [program, *user, "--unshare-pid", "--unshare-net", "--ro-bind", "/", "/"]
    done = subprocess.run(
        [*command, "--", "true"],
        env={**os.environ, **sandbox.libraries()},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        yield Finding(
            str(program),
            f"El sistema no deja aislar lo que se califica: {done.stderr.strip()[-200:]}",
            f"The system does not let us isolate what is graded: {done.stderr.strip()[-200:]}",
            sandbox.HOW_TO_ALLOW.strip(),
        )


def provider(installation: Installation) -> Iterator[Finding]:
    """The OpenID provider, and whether its clock and ours agree."""
    settings = installation.deployment.authentication
    if settings.method != "oidc":
        return
    url = openid_provider.configuration_url(settings)
    where = installation.at("authentication.issuer")
    try:
        openid_provider.discover(settings)
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 (checked)
            date = answer.headers["Date"]
    except (openid_provider.Unreachable, OSError) as error:
        yield Finding(
            where,
            f"El proveedor OpenID no responde ({error}): nadie puede ingresar",
            f"The OpenID provider does not answer ({error}): nobody can log in",
            f"curl -sS -m 10 {url}",
        )
        return
    except DeploymentError as error:
        yield Finding(
            where,
            f"El proveedor OpenID no sirve: {error}",
            f"The OpenID provider cannot be used: {error}",
            f"curl -sS -m 10 {url}",
        )
        return
    if date:
        yield from clock(where, time.time() - parsedate_to_datetime(date).timestamp())


def clock(where: str, ahead: float) -> Iterator[Finding]:
    """Say that another machine's clock differs by `ahead` seconds, if that matters."""
    if abs(ahead) > CLOCK_SECONDS:
        yield Finding(
            where,
            f"El reloj de esta máquina y el de allá difieren en {abs(ahead):.0f} s",
            f"This machine's clock and the one there differ by {abs(ahead):.0f} s",
            "timedatectl status && sudo timedatectl set-ntp true",
        )


def accounts(installation: Installation) -> Iterator[Finding]:
    """The Unix accounts of courses and, where sessions are this machine's, of people."""
    deployment, state = installation.deployment, installation.state
    if deployment.accounts != "personal":
        return
    for name, course in deployment.courses.items():
        where, owner = installation.at(f"courses.{name}.account"), course.account
        if not exists(owner):
            yield Finding(
                where,
                f"No existe la cuenta {owner}, de quienes califican {name}",
                f"There is no account {owner}, which grades {name}",
                f"sudo useradd --system --home-dir {state.courses / name} {owner}",
            )
            continue
        if not course_account.is_another(owner):
            continue  # root makes the folder itself
        own = state.courses / name
        if not own.is_dir() or own.owner() != owner:
            yield Finding(
                f"{where} ({own})",
                f"La carpeta del curso debe existir y ser de {owner}",
                f"The course's folder must exist and be {owner}'s",
                f"sudo install -d -m 700 -o {owner} -g {owner} {own}",
            )
        yield from _sudo(where, owner)
    people = sorted({p for c in deployment.courses.values() for p in (*c.instructors, *c.students)})
    missing = [person for person in people if not exists(person)]
    if missing and any(not _is_remote(site) for site in deployment.sites.values()):
        shown = ", ".join(missing[:5]) + ("…" if len(missing) > 5 else "")
        yield Finding(
            installation.at("courses"),
            f"{len(missing)} personas no tienen cuenta Unix en esta máquina: {shown}",
            f"{len(missing)} people have no Unix account on this machine: {shown}",
            f"sudo useradd --create-home {missing[0]}",
        )


def _sudo(where: str, owner: str) -> Iterator[Finding]:
    """Ask the launcher for a program that it does not have: then it is allowed, and says so."""
    try:
        asked = course_account.request("none", [], {}, "/")
        done = course_account.run(owner, asked, timeout=PATIENCE)
        said = done.stderr.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        said = str(error)
    if "unknown program" not in said:
        program = " ".join(course_account.command(owner)[-4:])
        yield Finding(
            where,
            f"sudo no deja iniciar el calificador como {owner}: {said[-200:]}",
            f"sudo does not let the grader start as {owner}: {said[-200:]}",
            f"echo '{account()} ALL=({owner}) NOPASSWD: {program}' | "
            "sudo EDITOR='tee -a' visudo -f /etc/sudoers.d/minga",
        )


def exists(name: str) -> bool:
    """Whether this machine knows the account."""
    try:
        return bool(pwd.getpwnam(name))
    except KeyError:
        return False


def _is_remote(site) -> bool:
    return bool(site.query_prefix)


def checkout(installation: Installation) -> Iterator[Finding]:
    """Everybody's sessions and graders run from the checkout: others must be able to read it."""
    if installation.deployment.accounts != "personal":
        return
    own = [sys.executable, str(LAUNCHER), str(course_account.LAUNCHER), str(ROOT)]
    for path in own if os.geteuid() else ():
        if os.access(path, os.W_OK):
            yield Finding(
                path,
                "La cuenta del hub puede cambiar un programa que sudo le deja ejecutar como otros",
                "The hub's account can change a program that sudo lets it run as others",
                f"sudo chown -R root:root {ROOT}",
            )
            break
    for folder in [ROOT, *ROOT.parents]:
        if not folder.stat().st_mode & stat.S_IXOTH:
            yield Finding(
                str(folder),
                "Otras cuentas no llegan a la instalación, y sus sesiones salen de ahí",
                "Other accounts cannot reach the installation, and their sessions run from it",
                f"sudo chmod o+x {folder}",
            )

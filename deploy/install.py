"""Make this checkout ready: packages of Python and Node, Slurm, bubblewrap, a browser for tests.

    python3 deploy/install.py hub|test|book

Standard library only: it runs before anything is installed. Nothing outside the checkout is
changed, except that `test` installs Chromium with apt where it runs as root and there is none.
What is there already is left alone, so a second call takes a second.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from deploy.terminal import fail, say  # noqa: E402

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = "uv==0.13.9"


def main() -> None:
    """Do the steps of one purpose, each with a line that says what takes so long."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("purpose", choices=["hub", "test", "book"])
    purpose = parser.parse_args().purpose
    steps = [check_machine, python_packages]
    if purpose in ("hub", "test"):
        steps += [proxy, slurm, bubblewrap]
    steps += [book_theme, browser_python]
    if purpose == "test":
        steps += [dictionaries, openid_provider, chromium]
    for number, step in enumerate(steps, 1):
        started = time.monotonic()
        es, en = step.__doc__.splitlines()[0].split(" / ")
        say(f"[{number}/{len(steps)}] {es}", f"[{number}/{len(steps)}] {en}")
        step()
        took = time.monotonic() - started
        if took > 2:
            say(f"      {took:.0f} s", f"      {took:.0f} s")


def check_machine() -> None:
    """Reviso Python y Node / Checking Python and Node"""
    if sys.version_info < (3, 11):  # noqa: UP036 (this file runs on whatever Python there is)
        fail(
            f"Minga necesita Python 3.11 o más nuevo; este es {sys.version.split()[0]}.",
            f"Minga needs Python 3.11 or newer; this is {sys.version.split()[0]}.",
        )
    node = shutil.which("node")
    version = run([node, "--version"], capture=True).strip() if node else ""
    if not version or int(version.lstrip("v").split(".")[0]) < 20 or not shutil.which("npm"):
        fail(
            f"Minga necesita Node 20 o más nuevo, con npm (hay: {version or 'ninguno'}).\n"
            "Pide a quien administra esta máquina:  sudo apt-get install nodejs npm",
            f"Minga needs Node 20 or newer, with npm (found: {version or 'none'}).\n"
            "Ask whoever administers this machine:  sudo apt-get install nodejs npm",
        )


def python_packages() -> None:
    """Paquetes de Python (la primera vez, unos minutos) / Python packages (some minutes at first)"""  # noqa: E501
    lock = (ROOT / "uv.lock").read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    wanted = hashlib.sha256(lock + UV.encode() + str(VENV).encode()).hexdigest()
    stamp = VENV / "minga-installed"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    if not PYTHON.exists():
        made = subprocess.run([sys.executable, "-m", "venv", str(VENV)])
        if made.returncode:
            shutil.rmtree(VENV, ignore_errors=True)
            fail(
                "No se pudo crear el entorno virtual; a Debian y Ubuntu les falta a veces algo.\n"
                "Pide a quien administra esta máquina:  sudo apt-get install python3-venv",
                "The virtual environment could not be made. Debian and Ubuntu sometimes lack a\n"
                "package; ask whoever administers this machine:  sudo apt-get install python3-venv",
            )
    pip = [str(PYTHON), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    run([*pip, "install", UV])
    uv = str(VENV / "bin" / "uv")
    # All that the lock file names, except torch and what only torch needs …
    requirements = VENV / "requirements.txt"
    run(
        [uv, "export", "--quiet", "--frozen", "--all-groups", "--prune", "torch"]
        + ["--output-file", str(requirements)]
    )
    run(
        # --system-certs: also behind a university's own certificate authority
        [uv, "pip", "install", "--quiet", "--system-certs", "--compile-bytecode"]
        + ["--python", str(PYTHON), "--require-hashes", "--requirement", str(requirements)]
    )
    # … which pip installs, since it is pip that machines tell where *their* build of torch is
    # (PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu takes the small CPU build).
    run([*pip, "install", *torch_requirement()])
    stamp.write_text(wanted)


def torch_requirement() -> list[str]:
    """Return the requirement of torch as pyproject.toml pins it."""
    import tomllib

    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    return [line for line in groups["notebook"] if line.startswith("torch==")]


def proxy() -> None:
    """El proxy de JupyterHub / JupyterHub's proxy"""
    npm_ci(ROOT / "deploy" / "proxy")


def slurm() -> None:
    """Slurm, sin tocar el sistema / Slurm, without touching the system"""
    from spawners.cluster import packages

    try:
        packages.ensure(
            ROOT / ".minga" / "slurm", lambda line: say(f"      {line}", f"      {line}")
        )
    except packages.SlurmUnavailable as error:
        say(
            f"      No se pudo tener Slurm: {error}\n"
            "      Las sesiones serán procesos de esta máquina; la página de inicio lo dirá.",
            f"      Slurm could not be had: {error}\n"
            "      Sessions will be processes of this machine; the start page will say so.",
        )


def bubblewrap() -> None:
    """bubblewrap, que aísla lo que se califica / bubblewrap, which isolates what is graded"""
    from grading import sandbox
    from grading.errors import SandboxUnavailable
    from spawners.cluster import packages

    try:
        sandbox.bubblewrap()
        return
    except SandboxUnavailable:
        pass
    try:
        packages.unpack(
            sandbox.FETCHED, ("bubblewrap",), lambda line: say(f"      {line}", f"      {line}")
        )
        sandbox.bubblewrap()
    except (OSError, SandboxUnavailable) as error:
        why = f": {error}" if isinstance(error, OSError) else "."  # the other says what follows
        say(
            f"      No se pudo tener bubblewrap{why}\n"
            "      Todo lo demás anda; calificar, no, hasta que alguien lo instale:\n"
            "        sudo apt-get install bubblewrap",
            f"      bubblewrap could not be had{why}\n"
            "      All the rest works; grading does not, until somebody installs it:\n"
            "        sudo apt-get install bubblewrap",
        )


def book_theme() -> None:
    """El tema del libro / The book's theme"""
    theme = ROOT / "book" / "theme"
    if npm_ci(theme):
        run(["node", "node_modules/esbuild/install.js"], cwd=theme)


def browser_python() -> None:
    """Python para el navegador de quien lee / Python for the reader's browser"""
    if subprocess.run([str(PYTHON), "-m", "book.lite"], cwd=ROOT).returncode:
        say(
            "      No se pudo tener JupyterLite; el libro se construye sin «Pruébalo aquí».\n"
            "      Para intentarlo otra vez:  .venv/bin/python -m book.lite",
            "      JupyterLite could not be had; the book is built without 'Try it here'.\n"
            "      To try again:  .venv/bin/python -m book.lite",
        )


def dictionaries() -> None:
    """Los diccionarios que revisan la ortografía / The dictionaries that check spelling"""
    npm_ci(ROOT / "translation" / "dictionaries")


def openid_provider() -> None:
    """El proveedor OpenID con el que ingresan las pruebas / The OpenID provider that tests log in with"""  # noqa: E501
    npm_ci(ROOT / "tests" / "hub_config" / "openid")


def chromium() -> None:
    """Chromium para las pruebas / Chromium for the tests"""
    if shutil.which("chromium"):
        return
    command = ["apt-get", "install", "--yes", "--quiet", "chromium", "fonts-dejavu-core"]
    if os.geteuid() != 0:
        fail(
            "Las pruebas necesitan Chromium. Pide a quien administra esta máquina:\n"
            f"  sudo {' '.join(command)}",
            f"The tests need Chromium. Ask whoever administers this machine:\n"
            f"  sudo {' '.join(command)}",
        )
    run(["apt-get", "update", "--quiet"], quiet=True)
    run(command, quiet=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def npm_ci(folder: Path) -> bool:
    """Install exactly what the folder's lock file names; return whether anything was done."""
    lock, done = folder / "package-lock.json", folder / "node_modules" / ".minga-installed"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if done.is_file() and done.read_text() == wanted:
        return False
    # Packages' own install scripts download programs from anywhere; none is run.
    run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=folder)
    done.write_text(wanted)
    return True


def run(command, *, cwd=ROOT, capture=False, quiet=False, env=None) -> str:
    """Run a command; if it fails, show what it said and end. Return its output if captured."""
    result = subprocess.run(
        command,
        cwd=cwd,
        env=env,
        text=True,
        stdout=subprocess.PIPE if capture or quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
    )
    if result.returncode:
        print(result.stdout or "", file=sys.stderr)
        fail(
            f"Falló ({result.returncode}): {' '.join(map(str, command))}",
            f"Failed ({result.returncode}): {' '.join(map(str, command))}",
        )
    return result.stdout or ""


if __name__ == "__main__":
    main()

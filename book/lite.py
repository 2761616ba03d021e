"""Python in the reader's browser: JupyterLite and all that it needs, fetched and built once.

`python -m book.lite` fetches what book/pyodide pins (Pyodide from npm, wheels from PyPI, both by
hash) and builds. What is there already is left alone. What it makes asks no other host for
anything. A whole Pyodide distribution in .minga/pyodide takes the place of npm's small one.
"""

import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from email.parser import HeaderParser
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

REPOSITORY = Path(__file__).parent.parent
PINS = Path(__file__).parent / "pyodide"  # package.json and wheels.txt, with hashes
WHOLE = REPOSITORY / ".minga/pyodide"  # where an operator unpacks a whole distribution
KEPT = REPOSITORY / "_build/lite"
APP, FACTS, LOCK = "app", "facts.json", "pyodide-lock.json"
PROGRAM = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm")
CORE = (*PROGRAM, "pyodide.js", "python_stdlib.zip", "package.json")
EXTENSIONS = ("@jupyterlite/pyodide-kernel-extension", "@jupyter-widgets/jupyterlab-manager")
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"
FIRST = ["micropip", "comm", "jedi", "ipython"]  # what the kernel needs before any code runs
# Where a wheel's conditions are judged
THERE = {"extra": "", "sys_platform": "emscripten", "platform_system": "Emscripten"}
THERE |= {"python_version": "3.14", "python_full_version": "3.14.2"}
LOCALES = {"es": "es_ES"}  # JupyterLab's names of the languages whose packs are installed
TOOLS = (
    "jupyterlite-core",
    "jupyterlite-pyodide-kernel",
    "jupyterlab-widgets",
    "jupyterlab-language-pack-es-es",
)


class LiteError(Exception):
    """JupyterLite cannot be had or built; the message says why."""


@dataclass(frozen=True)
class Lite:
    """A built JupyterLite: its folder, and the modules that code in it can import.

    `megabytes`: what a browser fetches, compressed, before it runs a first cell.
    """

    folder: Path
    modules: frozenset[str]
    megabytes: int


def key() -> str:
    """Return a digest of all that a build is made of: versions, pins, distribution, this file."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for tool in TOOLS:
        try:
            digest.update(f"{tool} {version(tool)}\n".encode())
        except PackageNotFoundError:
            continue
    for name in ("package-lock.json", "wheels.txt"):
        digest.update((PINS / name).read_bytes())
    for path in sorted(WHOLE.glob("*")):
        digest.update(f"{path.name} {path.stat().st_size}\n".encode())
    return digest.hexdigest()[:16]


def find() -> Lite | None:
    """Return what was built of the same parts before, or None."""
    folder = KEPT / key()
    if not (folder / FACTS).is_file():
        return None
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    return Lite(folder, frozenset(facts["modules"]), facts["megabytes"])


def prepare() -> Lite:
    """Fetch and build what is missing. Raises LiteError when a registry or a tool fails."""
    if lite := find():
        return lite
    KEPT.mkdir(parents=True, exist_ok=True)
    wheels = fetch_wheels()
    if not (WHOLE / LOCK).is_file():
        fetch_pyodide()
    with tempfile.TemporaryDirectory(dir=KEPT, prefix="new-") as name:
        _build(Path(name), wheels)
        fresh = Path(name) / "made"
        for old in KEPT.iterdir():
            if old not in (wheels, Path(name)):
                shutil.rmtree(old)
        fresh.rename(KEPT / key())
    return find()


def fetch_wheels() -> Path:
    """Return a folder with the wheels that book/pyodide/wheels.txt names."""
    pins = PINS / "wheels.txt"
    folder = KEPT / f"wheels-{hashlib.sha256(pins.read_bytes()).hexdigest()[:16]}"
    if not folder.is_dir():
        with tempfile.TemporaryDirectory(dir=KEPT, prefix="wheels-new-") as name:
            _run(
                [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
                + ["--require-hashes", "--only-binary=:all:", "--python-version", "3.14"]
                + ["--disable-pip-version-check", "--dest", name, "--requirement", str(pins)]
            )
            shutil.copytree(name, folder)
    return folder


def fetch_pyodide() -> None:
    """Install npm's Pyodide exactly as book/pyodide/package-lock.json names it."""
    lock, done = PINS / "package-lock.json", PINS / "node_modules/.minga-installed"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not done.is_file() or done.read_text() != wanted:
        _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], PINS)
        done.write_text(wanted)


def _run(command: list[str], folder: Path = REPOSITORY) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        raise LiteError(f"{' '.join(command)}\n{said[-2000:]}")


def _build(work: Path, wheels: Path) -> None:
    """Build in `work`: a JupyterLite project in `work`/project, the result in `work`/made."""
    project, made = work / "project", work / "made"
    pyodide = project / "static/pyodide"
    _write_distribution(pyodide, wheels)
    told = {
        "jupyter-lite-schema-version": 0,
        "jupyter-config-data": {
            "appName": "Minga",
            "appUrl": "./notebooks",
            "contentsAllJsonFile": "all.json",  # in_browser.py writes them
            # Ways to JupyterLite's other pages, which are not built
            "disabledExtensions": [
                "@jupyter-notebook/application-extension:logo",
                "@jupyter-notebook/application-extension:pages",
            ],
            "litePluginSettings": {
                KERNEL: {
                    "disablePyPIFallback": True,
                    # Fetched side by side while Python starts, not one after the other
                    "loadPyodideOptions": {"packages": FIRST},
                }
            },
        },
    }
    (project / "jupyter-lite.json").write_text(json.dumps(told))
    extensions = Path(sys.prefix) / "share/jupyter/labextensions"
    options = {
        "apps": ["notebooks"],
        "output_dir": str(made / APP),
        "no_sourcemaps": True,
        "no_unused_shared_packages": True,
        # What people's notebook servers have (nbgrader's lists) has nothing to talk to here.
        "ignore_sys_prefix": ["federated_extensions"],
        "federated_extensions": [
            str(extensions / name) for name in EXTENSIONS if (extensions / name).is_dir()
        ],
    }
    config = project / "jupyter_lite_config.json"
    config.write_text(json.dumps({"LiteBuildConfig": options}))
    _run([sys.executable, "-m", "jupyterlite_core", "build"], project)
    facts = {"modules": sorted(_modules(pyodide)), "megabytes": _megabytes(made / APP)}
    (made / FACTS).write_text(json.dumps(facts))


def _write_distribution(target: Path, wheels: Path) -> None:
    """Write Pyodide, its packages and the wheels to `target`, with a lock file of just these."""
    source = WHOLE if (WHOLE / LOCK).is_file() else PINS / "node_modules/pyodide"
    _require_version(source)
    target.mkdir(parents=True)
    files = [source / name for name in CORE]
    if source == WHOLE:
        files = [path for path in source.iterdir() if path.is_file()]
    # Of two with one name the distribution's own.
    for path in {path.name: path for path in (*wheels.glob("*.whl"), *files)}.values():
        link(path, target / path.name)
    lock = json.loads((source / LOCK).read_text(encoding="utf-8"))
    (target / LOCK).unlink(missing_ok=True)
    (target / LOCK).write_text(json.dumps(cut_lock(lock, target)))


def _require_version(distribution: Path) -> None:
    """Raise LiteError for a Pyodide that the kernel was not made for."""
    wanted = json.loads((PINS / "package.json").read_text(encoding="utf-8"))["dependencies"]
    found = json.loads((distribution / "package.json").read_text(encoding="utf-8"))["version"]
    if found != wanted["pyodide"]:
        raise LiteError(f"{distribution} is Pyodide {found}; the kernel needs {wanted['pyodide']}")


def cut_lock(lock: dict, folder: Path) -> dict:
    """Return a pyodide-lock.json without what `folder` lacks, and with the wheels in it added.

    Pyodide loads a package with all that it needs when code imports it, so one whose needs are
    not there goes too. Wheels from PyPI differ from Pyodide's own: they bring their own hashes.
    """
    names = {path.name for path in folder.iterdir()}
    packages = {n: one for n, one in lock["packages"].items() if one["file_name"] in names}
    wheels = {_name(path): path for path in sorted(folder.glob("*-none-any.whl"))}
    known = lock["packages"].keys() | wheels.keys()
    for name, wheel in wheels.items():
        ours, old = _describe(wheel, known), lock["packages"].get(name)
        if old is None:
            packages[name] = ours
        elif name not in packages or old["file_name"] == wheel.name:
            packages[name] = old | {part: ours[part] for part in ("file_name", "version", "sha256")}
    while lacking := {
        name
        for name, one in packages.items()
        if not {canonicalize_name(need) for need in one["depends"]} <= packages.keys()
    }:
        packages = {name: one for name, one in packages.items() if name not in lacking}
    return {**lock, "packages": packages}


def _name(wheel: Path) -> str:
    return canonicalize_name(parse_wheel_filename(wheel.name)[0])


def _describe(wheel: Path, known: set[str]) -> dict:
    """Return what a lock file says of a wheel; of its needs those that are `known`.

    The others are for a notebook server, which there is none of.
    """
    with zipfile.ZipFile(wheel) as file:
        inside = [one.split("/") for one in file.namelist()]
        (metadata,) = [one for one in file.namelist() if one.endswith(".dist-info/METADATA")]
        lines = HeaderParser().parsestr(file.read(metadata).decode()).get_all("Requires-Dist", [])
    needs = [Requirement(line) for line in lines]
    there = [need for need in needs if need.marker is None or need.marker.evaluate(THERE)]
    return {
        "name": _name(wheel),
        "version": str(parse_wheel_filename(wheel.name)[1]),
        "file_name": wheel.name,
        "install_dir": "site",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "package_type": "package",
        "imports": sorted({path[0] for path in inside if path[1:] == ["__init__.py"]}),
        "depends": sorted({canonicalize_name(need.name) for need in there} & known),
        "unvendored_tests": False,
    }


def _modules(pyodide: Path) -> set[str]:
    """Return the names that code can import: Python's own, and those of the lock file."""
    with zipfile.ZipFile(pyodide / "python_stdlib.zip") as file:
        own = {name.split("/")[0].removesuffix(".py") for name in file.namelist()}
    lock = json.loads((pyodide / LOCK).read_text(encoding="utf-8"))
    packages = {name for one in lock["packages"].values() for name in one["imports"]}
    return own | packages | _compiled()


def _compiled() -> set[str]:
    """Return the names of the standard library's modules that are no files of Python."""
    specs = {name: find_spec(name) for name in sys.stdlib_module_names}
    return {name for name, one in specs.items() if one and not str(one.origin).endswith(".py")}


def _megabytes(app: Path) -> int:
    """Return what a browser fetches, compressed, until the first cell runs, in millions of bytes.

    Some small scripts are not counted.
    """
    pyodide = app / "static/pyodide"
    packages = json.loads((pyodide / LOCK).read_text(encoding="utf-8"))["packages"]
    names, due = set(), list(FIRST)
    while due:
        names.add(name := canonicalize_name(due.pop()))
        due += [need for need in packages[name]["depends"] if canonicalize_name(need) not in names]
    files = [pyodide / packages[name]["file_name"] for name in names]
    files += [pyodide / name for name in ("python_stdlib.zip", *PROGRAM)]
    files += [*app.glob("build/jlab_core*.js"), app / "build/notebooks/bundle.js"]
    size = sum(len(zlib.compress(path.read_bytes())) for path in files)
    return math.ceil(size / 1e6)


def link(source: str | Path, target: str | Path) -> None:
    """Make `target` the same file as `source`, or a copy of it where the disk is another."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def main() -> int:
    """Run the command line; return the exit status."""
    try:
        prepare()
    except LiteError as error:
        print(f"lite: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

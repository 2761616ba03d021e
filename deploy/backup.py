"""Back up an installation while it runs, and restore it onto an empty machine.

    python -m deploy.backup create FOLDER [--keep N]    a new folder below FOLDER
    python -m deploy.backup verify BACKUP               the checksums of one
    python -m deploy.backup restore BACKUP              into the state folder, which must be empty

MINGA_DEPLOYMENT says which installation. A backup is a folder of ordinary files: what sqlite3
and pg_dump made of the databases, copies of the rest, `backup.json`, and `SHA256SUMS`, which
`sha256sum --check` reads too. It holds every secret of the installation: mode 700, and yours to
keep. As root it keeps who owns a course's files; databases are asked for as the state's owner.

Databases come first: whatever one of them names was a file before, and files are not rewritten
(the exchange) or belong to instructors' work in progress (courses).
"""

import argparse
import functools
import hashlib
import json
import os
import pwd
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import create_engine, inspect, make_url

from deploy.terminal import fail, say
from hub_config import databases
from hub_config.deployment import Deployment, DeploymentError, chosen_file, load
from hub_config.ending import running_launcher
from hub_config.state import State

SUMS, ABOUT = "SHA256SUMS", "backup.json"
FOLDERS = ("hub", "exchange", "courses", "transparency", "homes", "tunnels")  # of the state
# Databases, which have their own copy; processes and locks of the machine that is backed up; what
# a transfer or a grading left half done. Paths in the state folder, one word for each part.
SKIPPED = """
    hub/jupyterhub.sqlite* hub/*.pid hub/*.tmp hub/launcher.json hub/hub.json hub/clusters.json
    exchange/exchange.sqlite* exchange/lock exchange/incoming transparency/use.sqlite*
    courses/*/gradebook.db* courses/*/.minga-grading
""".split()


class BackupError(Exception):
    """A backup cannot be made or used; the text says why and what to do."""


def _private(write: Callable) -> Callable:
    """Let a function write files that this account alone can read."""

    @functools.wraps(write)
    def wrapped(*arguments, **named):
        before = os.umask(0o077)
        try:
            return write(*arguments, **named)
        finally:
            os.umask(before)

    return wrapped


@_private
def create(deployment: Deployment, state: State, below: Path, keep: int = 0) -> Path:
    """Back the installation up into a new folder below `below`; return it.

    It has its name only when it is whole. With `keep`, older backups there beyond so many are
    removed afterwards. Raises BackupError, OSError.
    """
    now = datetime.now(UTC)
    target = below / f"minga-{now:%Y%m%dT%H%M%SZ}"
    draft = below / f".{target.name}"
    (draft / "databases").mkdir(parents=True)
    try:
        _fill(draft, deployment, state, now)
        subprocess.run(["sync", "--file-system", draft], check=True)
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    for old in sorted(below.glob("minga-*Z"))[:-keep] if keep else ():
        shutil.rmtree(old)
    return target


def _fill(draft: Path, deployment: Deployment, state: State, now: datetime) -> None:
    about = {"made": now.isoformat(), "state": str(state.root), "databases": {}, "secrets": {}}
    for number, (url, keys) in enumerate(_by_address(deployment, state).items()):
        name = f"{number:02}-{keys[0].split('.')[0]}"
        about["databases"][url] = {
            "keys": keys,
            "file": _dump(url, draft / "databases", name, state),
        }
    for folder in FOLDERS:
        if (state.root / folder).is_dir():
            _copy(state.root, folder, draft / "state")
    about["owners"] = _owners(draft / "state", state.root)
    shutil.copy2(chosen_file(), draft / "deployment.yaml")
    for number, secret in enumerate(_secrets(deployment, state)):
        copy = draft / "secrets" / f"{number:02}-{secret.name}"
        copy.parent.mkdir(exist_ok=True)
        shutil.copy2(secret, copy)
        known = {"file": str(copy.relative_to(draft)), "owner": secret.owner()}
        about["secrets"][str(secret)] = known
    (draft / ABOUT).write_text(json.dumps(about, indent=1, ensure_ascii=False))
    lines = [f"{_sha256(file)}  {file.relative_to(draft)}\n" for file in _files(draft)]
    (draft / SUMS).write_text("".join(lines))


def _copy(root: Path, folder: str, target: Path) -> None:
    """Copy a folder of the state that is in use: what goes away meanwhile was not to be kept."""

    def ignored(where: str, names: list[str]) -> set[str]:
        found = {name: Path(where, name) for name in names}
        return {name for name, path in found.items() if _is_skipped(path, root)}

    try:
        shutil.copytree(root / folder, target / folder, symlinks=True, ignore=ignored)
    except shutil.Error as error:
        left = [f"{source}: {why}" for source, _, why in error.args[0] if os.path.lexists(source)]
        if left:
            raise BackupError("\n".join(left[:5])) from error


def _is_skipped(path: Path, root: Path) -> bool:
    if not (path.is_symlink() or path.is_file() or path.is_dir()):
        return True  # a socket or a pipe of a process that runs
    inside = path.relative_to(root)
    return any(
        inside.match(pattern) and len(inside.parts) == pattern.count("/") + 1 for pattern in SKIPPED
    )


def verify(backup: Path) -> dict:
    """Return what a backup says of itself; BackupError if a file of it is missing or changed."""
    try:
        said = (line.split("  ", 1) for line in (backup / SUMS).read_text().splitlines())
        wanted = {name: digest for digest, name in said}
    except (OSError, ValueError) as error:
        raise BackupError(f"{backup}: is no backup: {error}") from error
    wrong = [
        name
        for name, digest in wanted.items()
        if not (backup / name).is_file() or _sha256(backup / name) != digest
    ]
    if wrong or ABOUT not in wanted:
        shown = ", ".join(wrong[:5]) or ABOUT
        raise BackupError(f"{backup}: {len(wrong)} files are missing or changed: {shown}")
    return json.loads((backup / ABOUT).read_text())


@_private
def restore_secrets(backup: Path, about: dict) -> None:
    """Put back the secrets that the deployment file names, where there are none."""
    for place, known in about["secrets"].items():
        if not Path(place).exists():
            Path(place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(backup / known["file"], place)
            if os.geteuid() == 0:
                subprocess.run(["chown", known["owner"], place], check=True)


@_private
def restore(deployment: Deployment, state: State, backup: Path, about: dict) -> None:
    """Put a verified backup back: into an empty state folder, and into empty databases.

    Nothing that is there is overwritten: BackupError is raised before anything is written.
    """
    there = [path for name in FOLDERS for path in _files(state.root / name)]
    if running_launcher(state) or there:
        raise BackupError(
            f"{state.root} is not empty ({there[0] if there else 'Minga runs'}): stop Minga and "
            "move what is there away"
        )
    places = _places(about, deployment, state)
    for url in places.values():
        if make_url(url).get_backend_name() == "postgresql":
            _must_be_empty(url)
    state.make()
    for folder in FOLDERS:
        if (backup / "state" / folder).is_dir():
            shutil.copytree(
                backup / "state" / folder, state.root / folder, symlinks=True, dirs_exist_ok=True
            )
    for url, file in ((places[old], known["file"]) for old, known in about["databases"].items()):
        _load(url, backup / "databases" / file, state)
    state.make()  # the modes that a start gives them
    for name, owner in about["owners"].items() if os.geteuid() == 0 else ():
        subprocess.run(["chown", "-hR", owner, str(state.root / name)], check=True)


def _by_address(deployment: Deployment, state: State) -> dict[str, list[str]]:
    """Return each database once, by its address, with the keys that name it."""
    found: dict[str, list[str]] = {}
    for key, url in databases.addresses(deployment, state).items():
        found.setdefault(url, []).append(key)
    return {url: keys for url, keys in found.items() if not _is_absent(url)}


def _is_absent(url: str) -> bool:
    """Whether it is a SQLite database that nobody has used yet."""
    parsed = make_url(url)
    return parsed.get_backend_name() == "sqlite" and not Path(parsed.database).exists()


def _places(about: dict, deployment: Deployment, state: State) -> dict[str, str]:
    """Return where each database of a backup belongs now: the file may name another place."""
    now = databases.addresses(deployment, state)
    places = {}
    for old, known in about["databases"].items():
        wanted = {now[key] for key in known["keys"] if key in now}
        if len(wanted) != 1:
            raise BackupError(
                f"{', '.join(known['keys'])}: were one database ({old}); the deployment now says "
                f"{', '.join(sorted(wanted)) or 'none'}"
            )
        (places[old],) = wanted
        kinds = {make_url(url).get_backend_name() for url in (old, places[old])}
        if len(kinds) > 1:
            raise BackupError(f"{old} cannot be restored into {places[old]}: another kind")
    return places


def _dump(url: str, folder: Path, name: str, state: State) -> str:
    """Copy one database, which is in use, as of one moment; return the file's name."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        file = folder / f"{name}.sqlite"
        source = sqlite3.connect(f"file:{parsed.database}?mode=ro", uri=True, timeout=60)
        with closing(source), closing(sqlite3.connect(file)) as copy:
            source.backup(copy)
        return file.name
    file = folder / f"{name}.pgdump"
    command = ["pg_dump", "--format=custom", f"--dbname={_libpq(url)}"]
    with open(file, "wb") as output:
        _run([*_as_owner(state), *command], stdout=output)
    return file.name


def _load(url: str, file: Path, state: State) -> None:
    if file.suffix == ".sqlite":
        place = Path(make_url(url).database)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, place)
        return
    command = ["pg_restore", "--exit-on-error", "--single-transaction", f"--dbname={_libpq(url)}"]
    with open(file, "rb") as dump:
        _run([*_as_owner(state), *command], stdin=dump)


def _must_be_empty(url: str) -> None:
    engine = create_engine(make_url(url), connect_args={"connect_timeout": 15})
    try:
        tables = inspect(engine).get_table_names()
    except Exception as error:
        raise BackupError(f"{url}: {error}; make doctor says what is missing") from error
    finally:
        engine.dispose()
    if tables:
        raise BackupError(
            f"{url} is not empty ({', '.join(sorted(tables)[:3])} …): dropdb, createdb"
        )


def _run(command: list, **streams) -> None:
    done = subprocess.run(command, stderr=subprocess.PIPE, **streams)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[-1000:]
        raise BackupError(f"{' '.join(map(str, command))}: {said}")


def _libpq(url: str) -> str:
    """Return an address as PostgreSQL's own programs take it."""
    return url.replace(f"{databases.DRIVER}:", "postgresql:", 1)


def _as_owner(state: State) -> list[str]:
    """Return what becomes the state's owner, whom the databases know; as root only."""
    owner = state.root.stat().st_uid if state.root.exists() else 0
    if os.geteuid() != 0 or owner == 0:
        return []
    entry = pwd.getpwuid(owner)
    return ["runuser", "-u", entry.pw_name, "--", "env", f"HOME={entry.pw_dir}"]


def _owners(copy: Path, root: Path) -> dict[str, str]:
    """Return by folder, outer before inner, whose the state's parts are: names, not numbers."""
    names = [f for f in FOLDERS if (copy / f).is_dir()]
    names += [f"courses/{course.name}" for course in sorted((copy / "courses").glob("*/"))]
    return {".": root.owner(), **{name: (root / name).owner() for name in names}}


def _secrets(deployment: Deployment, state: State) -> list[Path]:
    """Return the secrets that lie outside: what the file only names, and PostgreSQL's passwords."""
    file = getattr(deployment.authentication, "client_secret_file", None)
    passwords = Path(os.environ.get("PGPASSFILE") or state.root / ".pgpass")
    return [path for path in (file, passwords) if path and path.is_file()]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _sha256(file: Path) -> str:
    with open(file, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.backup", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("create", help="back up into a new folder below FOLDER")
    made.add_argument("folder", type=Path, metavar="FOLDER")
    made.add_argument("--keep", type=int, default=0, help="keep so many backups; 0: all")
    for command in ("verify", "restore"):
        commands.add_parser(command).add_argument("folder", type=Path, metavar="BACKUP")
    given = parser.parse_args()
    folder = given.folder.resolve()
    try:
        about = {} if given.command == "create" else verify(folder)
        if given.command == "verify":
            say(f"El respaldo de {about['made']} está entero.", f"Whole: {about['made']}.")
            return 0
        if given.command == "restore":
            restore_secrets(folder, about)
        deployment = load()
        state = State(deployment)
        if given.command == "create":
            target = create(deployment, state, folder, given.keep)
            say(f"Respaldo hecho: {target}", f"Backup made: {target}")
        else:
            restore(deployment, state, folder, about)
            say(
                f"Restaurado en {state.root}. Ahora:  make doctor, y después inicia Minga.",
                f"Restored into {state.root}. Now:  make doctor, and then start Minga.",
            )
    except DeploymentError as error:
        fail(f"El despliegue tiene errores:\n{error}", f"The deployment is wrong:\n{error}", 2)
    except (BackupError, OSError, sqlite3.Error, subprocess.CalledProcessError) as error:
        fail(f"No se pudo: {error}", f"It could not be done: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

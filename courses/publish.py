"""Release a course's assignments to its students: `python -m courses.publish`.

Sources go into the course's working folder, nbgrader makes the student version, and the
translations join it. With `--exchange` it is also sent to the exchange service, with the due
dates of the deployment. What did not change is left alone; what students fetched or handed in is
never touched.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import polib

from exchange.client import ExchangeClient, ExchangeProblem

from . import SOURCE_LANGUAGE, gradebook
from .models import Course, CourseError, load_course

RECORD = ".published.json"  # in the course's working folder: what was released last
IGNORED = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__", "*.pyc")
START_SECONDS = 60  # how long a service that was just started may take to answer


class PublishError(Exception):
    """An assignment could not be released; the text is nbgrader's log and what to do."""


def publish(course: Course, root: Path, say=print) -> list[str]:
    """Make what changed since the last time ready to be sent; return those assignments.

    Raises PublishError when nbgrader refuses: the version before then stays.
    """
    record = _record(root)
    made = []
    _instructors_pages(course, root)
    for assignment in course.released:
        wanted = _digest(_inputs(course, assignment))
        last = record.get(assignment, {})
        if last.get("inputs") == wanted and (root / "release" / assignment).is_dir():
            continue
        source = root / "source" / assignment
        own = _digest([course.folder / "assignments" / assignment])
        if source.exists() and _digest([source]) not in (last.get("source"), own):
            say(
                f"{course.id}/{assignment}: {source} was edited since it was released and stays "
                f"as it is. To have the course's own version, move that folder away."
            )
            continue
        started = time.monotonic()
        languages = _generate(course, assignment, root)
        sent = {key: last[key] for key in ("sent", "policy") if key in last}
        record[assignment] = {"inputs": wanted, "source": _digest([source]), **sent}
        _write(root, record)
        made.append(assignment)
        seconds = time.monotonic() - started
        say(f"{course.id}/{assignment}: made ({', '.join(languages)}), {seconds:.1f} s")
    return made


def send(
    course: Course, root: Path, url: str, token: str, policies: dict | None = None, say=print
) -> list[str]:
    """Release over the exchange what it does not have yet; return those assignments.

    `policies`: by assignment, what the exchange's policy shall be (exchange/service/README.md);
    one is applied when it changed here, so that what instructors set since then stays.
    Raises PublishError when the exchange does not take it.
    """
    record, sent = _record(root), []
    try:
        with ExchangeClient(url, token, SOURCE_LANGUAGE, patience=START_SECONDS) as client:
            released = {listed["assignment"] for listed in client.assignments(course.id)}
            for assignment, policy in (policies or {}).items():
                last = record.setdefault(assignment, {})
                if last.get("policy") != policy:
                    client.set_policy(course.id, assignment, policy)
                    _set_due(course, assignment, root, policy.get("due"))
                    last["policy"] = policy
                    _write(root, record)
    except ExchangeProblem as error:
        raise PublishError(f"{course.id}: {error}") from error
    for assignment in course.released:
        last = record.get(assignment, {})
        if not (root / "release" / assignment).is_dir():
            continue  # an instructor's own source, which formgrader's buttons generate
        if assignment in released and last.get("sent") == last.get("inputs"):
            continue
        done = _api(course, root, url, token).release_assignment(assignment)
        if not done["success"]:
            raise PublishError(
                f"{course.id}/{assignment}: the exchange {url} did not take the release. nbgrader "
                f"says:\n{done.get('log', '')}{done.get('error', '')}"
            )
        last["sent"] = last.get("inputs")
        _write(root, record)
        sent.append(assignment)
        say(f"{course.id}/{assignment}: released")
    return sent


def register(course: Course, root: Path, students: dict[str, str]) -> None:
    """Put students (login name -> full name) into the gradebook, where they are not yet.

    Formgrader then lists them before they hand in, and by their names.
    """
    record = _record(root)
    if record.get("students") == students:
        return
    with _api(course, root).gradebook as gradebook:
        for student, name in students.items():
            first, _, last = name.partition(" ")
            gradebook.update_or_create_student(student, first_name=first, last_name=last)
    record["students"] = students
    _write(root, record)


def _record(root: Path) -> dict:
    path = root / RECORD
    return json.loads(path.read_text()) if path.is_file() else {}


def _write(root: Path, record: dict) -> None:
    draft = root / f"{RECORD}.new"
    draft.write_text(json.dumps(record, indent=1))
    draft.replace(root / RECORD)


def _generate(course: Course, assignment: str, root: Path) -> list[str]:
    from . import variants

    source, release = root / "source" / assignment, root / "release" / assignment
    kept = root / "source" / f".{assignment}-before"
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    for folder in (source, release):  # nbgrader removes the release before it makes another
        if folder.exists():
            folder.rename(kept / folder.parent.name)
    shutil.copytree(course.folder / "assignments" / assignment, source, ignore=IGNORED)
    made = _api(course, root).generate_assignment(assignment)
    if not made["success"]:
        for folder in (source, release):
            shutil.rmtree(folder, ignore_errors=True)
            if (kept / folder.parent.name).exists():
                (kept / folder.parent.name).rename(folder)
        raise PublishError(
            f"{course.id}/{assignment} was not released; students keep the version before, if "
            f"any. nbgrader says:\n{made.get('log', '')}{made.get('error', '')}"
        )
    shutil.rmtree(kept)
    built = variants.build(course.id, assignment, release)
    return [SOURCE_LANGUAGE, *built]


def _instructors_pages(course: Course, root: Path) -> None:
    """Put the instructor's pages where formgrader's file list shows them; no release has them."""
    from translation import markdown

    folder = root / "instructors"
    for page in sorted((course.folder / "instructors").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        made = {f"{page.stem}.{SOURCE_LANGUAGE}.md": text}
        for catalog in course.folder.glob(f"locale/*/instructors/{page.stem}.po"):
            language = catalog.parent.parent.name
            made[f"{page.stem}.{language}.md"] = markdown.translate(text, polib.pofile(catalog))
        for name, content in made.items():
            path = folder / name
            if not path.is_file() or path.read_text(encoding="utf-8") != content:
                folder.mkdir(exist_ok=True)
                path.write_text(content, encoding="utf-8")


def _set_due(course: Course, assignment: str, root: Path, due: str | None) -> None:
    """Let formgrader show the due date, from which nbgrader counts lateness."""
    if due is None:
        return
    moment = datetime.fromisoformat(due).astimezone(UTC).replace(tzinfo=None)
    with _api(course, root).gradebook as gradebook:
        gradebook.update_or_create_assignment(assignment, duedate=moment)


def _api(course: Course, root: Path, url: str = "", token: str = ""):
    # nbgrader takes a second to import: not where nothing changed.
    # nbgrader runs `alembic` by name when it makes a gradebook; it is beside this Python.
    programs = str(Path(sys.executable).parent)
    if programs not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])

    from nbgrader.apps.api import NbGraderAPI

    from .nbgrader import instructor_config

    config = instructor_config(course.id, root, url)
    config.ServiceExchange.token = token
    return NbGraderAPI(config=config)


def _inputs(course: Course, assignment: str) -> list[Path]:
    """Return the files and folders that a release is made of, this program included."""
    here = Path(__file__).parent
    own = [here / name for name in ("nbgrader.py", "publish.py", "variants.py")]
    catalogs = sorted(course.folder.glob(f"locale/*/{assignment}"))
    return [course.folder / "assignments" / assignment, *catalogs, *own]


def _digest(paths: list[Path]) -> str:
    """Return a checksum of files and folders: of their names and what they hold."""
    total = hashlib.sha256()
    for path in paths:
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        skipped = (".ipynb_checkpoints", "__pycache__")
        for file in files:
            if not any(part in skipped for part in file.parts):
                total.update(f"{file.relative_to(path.parent)}\0".encode())
                total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m courses.publish", description=__doc__)
    parser.add_argument("--course", required=True, help="a folder of courses/")
    parser.add_argument(
        "--course-root", required=True, type=Path, help="the course's working folder"
    )
    parser.add_argument(
        "--exchange",
        default="",
        metavar="URL",
        help="send it to this exchange, with the token in JUPYTERHUB_API_TOKEN",
    )
    parser.add_argument(
        "--policies", type=json.loads, default={}, metavar="JSON", help="assignment -> policy"
    )
    parser.add_argument(
        "--student",
        action="append",
        default=[],
        metavar="LOGIN[=NAME]",
        help="put into the gradebook (may be repeated)",
    )
    parser.add_argument(
        "--gradebook",
        metavar="URL",
        help="the database that has its grades; empty: SQLite in the working folder",
    )
    given = parser.parse_args(arguments)
    root = given.course_root.resolve()
    try:
        course = load_course(given.course)
        root.mkdir(parents=True, exist_ok=True)
        if given.gradebook is not None and gradebook.choose(root, given.gradebook):
            (root / RECORD).unlink(missing_ok=True)  # of what a gradebook has that is not used now
        publish(course, root)
        if given.student:
            pairs = [student.partition("=") for student in given.student]
            register(course, root, {login: name or login for login, _, name in pairs})
        if given.exchange:
            token = os.environ.get("JUPYTERHUB_API_TOKEN", "")
            send(course, root, given.exchange, token, given.policies)
    except (CourseError, PublishError, gradebook.GradebookMoved) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

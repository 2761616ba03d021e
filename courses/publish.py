"""Release a course's assignments to its students: `python -m courses.publish`.

Sources go into the course's working folder, nbgrader makes the release, the translations join
it, and the exchange hands it out. What did not change is left alone; what students fetched or
handed in is never touched.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import time
from pathlib import Path

from . import SOURCE_LANGUAGE
from .models import Course, CourseError, load_course

RECORD = ".published.json"  # in the course's working folder: what was released last
IGNORED = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__", "*.pyc")


class PublishError(Exception):
    """An assignment could not be released; the text is nbgrader's log and what to do."""


def publish(course: Course, root: Path, exchange: Path, say=print) -> list[str]:
    """Release what changed since the last time; return the assignments that were released.

    Raises PublishError when nbgrader refuses: the students then keep the release before.
    """
    record_path = root / RECORD
    record = json.loads(record_path.read_text()) if record_path.is_file() else {}
    released = []
    for assignment in course.assignments:
        wanted = _digest(_inputs(course, assignment))
        outbound = exchange / course.id / "outbound" / assignment
        last = record.get(assignment, {})
        if last.get("inputs") == wanted and outbound.is_dir():
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
        languages = _release(course, assignment, root, exchange)
        record[assignment] = {"inputs": wanted, "source": _digest([source])}
        record_path.write_text(json.dumps(record, indent=1))
        released.append(assignment)
        seconds = time.monotonic() - started
        say(f"{course.id}/{assignment}: released ({', '.join(languages)}), {seconds:.1f} s")
    return released


def register(course: Course, root: Path, exchange: Path, students: dict[str, str]) -> None:
    """Put students (login name -> full name) into the gradebook, where they are not yet.

    Formgrader then lists them before they hand in, and by their names.
    """
    record_path = root / RECORD
    record = json.loads(record_path.read_text()) if record_path.is_file() else {}
    if record.get("students") == students:
        return
    with _api(course, root, exchange).gradebook as gradebook:
        for student, name in students.items():
            first, _, last = name.partition(" ")
            gradebook.update_or_create_student(student, first_name=first, last_name=last)
    record["students"] = students
    record_path.write_text(json.dumps(record, indent=1))


def _release(course: Course, assignment: str, root: Path, exchange: Path) -> list[str]:
    source, before = root / "source" / assignment, root / "source" / f".{assignment}-before"
    shutil.rmtree(before, ignore_errors=True)
    if source.exists():
        source.rename(before)
    shutil.copytree(course.folder / "assignments" / assignment, source, ignore=IGNORED)
    api = _api(course, root, exchange)
    made = api.generate_assignment(assignment)
    if not made["success"]:
        shutil.rmtree(source)
        if before.exists():
            before.rename(source)
        raise PublishError(
            f"{course.id}/{assignment} was not released; students keep the version before, if "
            f"any. nbgrader says:\n{made.get('log', '')}{made.get('error', '')}"
        )
    shutil.rmtree(before, ignore_errors=True)
    sent = api.release_assignment(assignment)
    if not sent["success"]:
        raise PublishError(
            f"{course.id}/{assignment}: the exchange {exchange} did not take the release. nbgrader "
            f"says:\n{sent.get('log', '')}{sent.get('error', '')}"
        )
    variants = exchange / course.id / "outbound" / assignment / ".languages"
    return [SOURCE_LANGUAGE, *sorted(path.name for path in variants.glob("*"))]


def _api(course: Course, root: Path, exchange: Path):
    # nbgrader takes a second to import: not where nothing changed.
    # nbgrader runs `alembic` by name when it makes a gradebook; it is beside this Python.
    programs = str(Path(sys.executable).parent)
    if programs not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])

    from nbgrader.apps.api import NbGraderAPI

    from .nbgrader import instructor_config

    return NbGraderAPI(config=instructor_config(course.id, root, exchange))


def _inputs(course: Course, assignment: str) -> list[Path]:
    """Return the files and folders that a release is made of, this program included."""
    here = Path(__file__).parent
    own = [here / name for name in ("nbgrader.py", "publish.py", "variants.py")]
    own.append(here.parent / "exchange" / "languages.py")
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
    parser.add_argument("--exchange", required=True, type=Path, help="nbgrader's exchange")
    parser.add_argument(
        "--student",
        action="append",
        default=[],
        metavar="LOGIN[=NAME]",
        help="put into the gradebook (may be repeated)",
    )
    given = parser.parse_args(arguments)
    root, exchange = given.course_root.resolve(), given.exchange.resolve()
    try:
        course = load_course(given.course)
        root.mkdir(parents=True, exist_ok=True)
        publish(course, root, exchange)
        if given.student:
            pairs = [student.partition("=") for student in given.student]
            register(course, root, exchange, {login: name or login for login, _, name in pairs})
    except (CourseError, PublishError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

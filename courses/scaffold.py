"""Start a course or a unit: `python -m courses.scaffold COURSE [UNIT]` (what `make course` runs).

Copies `courses/template/`, which is a whole small unit in both languages, under the new names.
The unit is a draft until its `draft: true` is removed: checked, but neither released to students
nor, as long as book/myst.yml does not name it, part of the book.
"""

import argparse
import re
import sys
from pathlib import Path

from .models import CourseError, load_course

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = Path(__file__).parent / "template"
COURSE, UNIT = "mi-curso", "mi-unidad"  # the template's names
_ID = re.compile(r"[a-z][a-z0-9-]{0,39}")


def scaffold(course: str, unit: str) -> list[Path]:
    """Write a new unit, and its course if there is none yet; return the files.

    Raises CourseError when a name cannot be, or something of that name is there.
    """
    for name in (course, unit):
        if not _ID.fullmatch(name):
            raise CourseError(f"{name!r}: a name has small letters, digits and hyphens, at most 40")
    description = ROOT / "courses" / course / "course.yaml"
    files = {}
    for path in sorted(p for p in TEMPLATE.rglob("*") if p.is_file()):
        target = ROOT / _renamed(str(path.relative_to(TEMPLATE)), course, unit)
        files[target] = _renamed(path.read_text(encoding="utf-8"), course, unit)
    if description.is_file():
        files[description] = _with_unit(description, files[description], course, unit)
    there = [path for path in files if path.exists() and path != description]
    if there:
        raise CourseError("\n".join(f"{path} is there already" for path in there))
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    load_course(course, ROOT / "courses")
    return list(files)


def _renamed(text: str, course: str, unit: str) -> str:
    # Both at once: a new name may hold the template's other one.
    names = {COURSE: course, UNIT: unit}
    return re.sub("|".join(names), lambda found: names[found[0]], text)


def _with_unit(description: Path, fresh: str, course: str, unit: str) -> str:
    """Return an existing course.yaml with one more unit; a planned one keeps place and title.

    Edited as text: its comments and order stay. Raises CourseError.
    """
    known = load_course(course, description.parents[1])
    old = next((u for u in known.units if u.id == unit), None)
    if old and not old.planned:
        raise CourseError(f"{description}: units: {unit!r} is there already")
    line = re.search(r"^units:\n(.*\n)", fresh, re.MULTILINE)[1]
    assignment = fresh.split("\nassignments:\n", 1)[1]
    if old:
        title = f"{{es: {_quoted(old.title.es)}, en: {_quoted(old.title.en)}}}"
        both = r"\{es: Título de la unidad, en: Title of the unit\}"
        line, assignment = (re.sub(both, lambda _: title, text) for text in (line, assignment))
        line = re.sub(r"hours: [\d.]+", f"hours: {old.hours:g}", line)
    text = description.read_text(encoding="utf-8").rstrip("\n") + "\n"
    before, marked, after = text.partition("\nassignments:\n")
    if not marked or re.search(r"^\S", after, re.MULTILINE):
        raise CourseError(f"{description}: assignments: must be the last key")
    if old:
        item = re.compile(rf"^  - (?:\{{)?id: {re.escape(unit)}\b.*\n(?:    .*\n)*", re.MULTILINE)
        before, changed = item.subn(lambda _: line, before + "\n")
        if changed != 1:
            raise CourseError(f"{description}: units: «- {{id: {unit}, …» was not found as text")
        return before.rstrip("\n") + marked + after + assignment
    return before + "\n" + line.rstrip("\n") + marked + after + assignment


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m courses.scaffold", description=__doc__)
    parser.add_argument("course", help="a course of courses/, or the name of a new one")
    parser.add_argument("unit", nargs="?", help="the new unit; of a new course: COURSE-1")
    options = parser.parse_args(arguments)
    unit = options.unit or f"{options.course}-1"
    try:
        files = scaffold(options.course, unit)
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    for path in files:
        print(path.relative_to(ROOT))
    print(f"\nCheck it:  make courses UNIT={unit}      How to go on:  courses/README.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Check every unit of every course: `python -m courses.check [unit …]` (what `make courses` runs).

A unit is a chapter, an assignment, its mutants and an instructor's page, in all languages;
courses/README.md says how they are made. Prints a line a unit, and what is wrong with it.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from book.sources import LANGUAGES, BookError
from translation import checks
from translation.documents import configuration, find
from translation.segments import TranslationError

from . import chapters, structure
from .models import Course, CourseError, load_courses
from .mutants import load_mutants, mutants_file
from .notebooks import parts, solution, source
from .quick import QuickError, grade_quickly
from .real import RealGrading

ROOT = Path(__file__).resolve().parents[1]
WORDS = (1500, 2500)  # of a chapter, in each language
CHAPTER_SECONDS = 60  # of CPU: the clock also counts what else the machine does


@dataclass
class Report:
    """What was found of one unit; it is well when there are no problems."""

    course: str
    unit: str
    points: float = 0
    words: dict[str, int] = field(default_factory=dict)
    languages: list[str] = field(default_factory=list)
    chapter_seconds: float | None = None
    assignment_seconds: float | None = None
    mutants: tuple[int, int] = (0, 0)  # killed, all
    alternatives: tuple[int, int] = (0, 0)  # kept all points, all
    problems: list[str] = field(default_factory=list)
    draft: bool = False

    def row(self) -> list[str]:
        """Return the unit's line of the table."""

        def seconds(value):
            return "–" if value is None else f"{value:.1f}"

        return [
            f"{self.course}/{self.unit}",
            " ".join(self.languages),
            " ".join(str(count) for count in self.words.values()),
            seconds(self.chapter_seconds),
            seconds(self.assignment_seconds),
            f"{self.points:g}",
            "{}/{}".format(*self.mutants),
            "{}/{}".format(*self.alternatives),
            f"{len(self.problems)} problems" if self.problems else "draft" if self.draft else "ok",
        ]


HEAD = ["unit", "languages", "words", "chapter s", "task s", "points", "killed", "kept", ""]
WIDTHS = [40, 10, 12, 10, 8, 7, 8, 7, 12]


def units(courses: Iterable[Course], wanted: Sequence[str] = ()) -> list[tuple[Course, str]]:
    """Return (course, assignment) of all written units, or of those named (a unit or a course).

    Raises CourseError for a name that is neither.
    """
    all_units = [(course, unit.assignment) for course in courses for unit in course.written]
    known = {course.id for course, _ in all_units} | {name for _, name in all_units}
    for name in wanted:
        if name not in known:
            raise CourseError(f"there is no unit or course {name!r}; there are: {sorted(known)}")
    return [(c, a) for c, a in all_units if not wanted or c.id in wanted or a in wanted]


def check_unit(
    course: Course, name: str, chapter_seconds: float | None = None, real: bool = True, workers=None
) -> Report:
    """Check one unit; `real`: nbgrader grades its solution and its empty release too."""
    report = Report(course.id, name, chapter_seconds=chapter_seconds)
    author = source(course.id, name)
    draft = next(unit.draft for unit in course.units if unit.assignment == name)
    report.draft = draft
    wrong = list(structure.mistakes(author, draft))
    report.problems += wrong
    report.points = sum(c.metadata.nbgrader.points for c in structure.graded(author))
    _check_texts(course, name, report)
    if chapter_seconds is not None and chapter_seconds > CHAPTER_SECONDS:
        report.problems.append(
            f"the chapter takes {chapter_seconds} s of CPU; at most {CHAPTER_SECONDS}"
        )
    # What the notebook lacks, grading would only say again, at length.
    sound = not wrong
    if sound:
        sound = _check_answers(course.id, name, author, report, workers)
    if real and sound:
        with tempfile.TemporaryDirectory(prefix="minga-courses-") as folder:
            grading = RealGrading(course, name, Path(folder))
            report.problems += grading.problems()
            report.assignment_seconds = grading.seconds
    return report


def _check_texts(course: Course, name: str, report: Report) -> None:
    """Check the chapter, the instructor's page, and the translation of both and the notebook."""
    chapter = course.assignments[name].book
    own = [
        f"book/{chapter}.md",
        f"courses/{course.id}/assignments/{name}/{name}.ipynb",
        f"courses/{course.id}/instructors/{name}.md",
    ]
    missing = [path for path in own if not (ROOT / path).is_file()]
    report.problems += [f"there is no {path}" for path in missing]
    try:
        conf = configuration(ROOT)
        documents = find(conf, [path for path in own if path not in missing])
        wrong = [
            str(problem).replace(f"{ROOT}/", "")
            for document in documents
            for language in conf.targets
            for problem in checks.check(document, language)
        ]
    except TranslationError as error:
        wrong = [str(error)]
    report.problems += wrong
    report.languages = list(LANGUAGES) if not wrong and not missing else [LANGUAGES[0]]
    if own[0] in missing:
        return
    if chapter not in chapters.listed() and not report.draft:
        report.problems.append(f"book/myst.yml does not name {chapter}.md")
    try:
        pages = chapters.pages(chapter)
    except BookError as error:
        report.problems.append(str(error))
        return
    site = pages[LANGUAGES[0]].front.get("site", {})
    if (site.get("course"), site.get("assignment")) != (course.id, name):
        report.problems.append(
            f"book/{chapter}.md: front matter: minga: {{course: {course.id}, assignment: {name}}}"
        )
    report.words = {language: chapters.words(page) for language, page in pages.items()}
    for language, count in report.words.items():
        if not WORDS[0] <= count <= WORDS[1] and not report.draft:
            report.problems.append(
                f"book/{chapter}.md has {count} words in {language}; "
                f"{WORDS[0]} to {WORDS[1]} are wanted"
            )


def _check_answers(course: str, name: str, author, report: Report, workers) -> bool:
    """Grade the solution, every mutant and every alternative with the author's tests.

    Returns whether the author's own solution is right.
    """
    file = str(mutants_file(course, name)).replace(f"{ROOT}/", "")
    try:
        known = load_mutants(course, name)
    except CourseError as error:
        report.problems.append(str(error))
        return True
    if set(known) != set(parts(author)):
        report.problems.append(f"{file}: the parts must be {', '.join(parts(author))}")
        return True
    cases, about = [{}], [("", "solution", "the author's solution")]
    for part, variants in known.items():
        for kind in ("mutants", "alternatives"):
            for variant in getattr(variants, kind):
                try:
                    cases.append({part: variant.applied(solution(author, part))})
                    about.append((part, kind, variant.what))
                except ValueError as error:
                    report.problems.append(f"{file}: {part}: {kind}: «{variant.what}» {error}")
    try:
        results = grade_quickly(author, cases, workers)
    except QuickError as error:
        report.problems.append(f"the cell «importar» does not run:\n{error}")
        return False
    good = {"mutants": 0, "alternatives": 0, "solution": 0}
    for (part, kind, what), result in zip(about, results, strict=True):
        lost = {p: reason for p, reason in result.items() if reason is not None}
        wanted = {part} if kind == "mutants" else set()
        good[kind] += set(lost) == wanted
        for p in wanted - set(lost):
            report.problems.append(f"{file}: {p}: «{what}» passes all tests; add one that fails")
        for p in set(lost) - wanted:
            report.problems.append(
                f"{file}: {part}: «{what}» loses the points of {p}: {lost[p]}"
                if part
                else f"the author's solution loses the points of {p}: {lost[p]}"
            )
    for kind in ("mutants", "alternatives"):
        setattr(report, kind, (good[kind], sum(k == kind for _, k, _ in about)))
    return good["solution"] == 1


def _line(cells: Sequence[str]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status (1: something is wrong)."""
    parser = argparse.ArgumentParser(prog="python -m courses.check", description=__doc__)
    parser.add_argument("unit", nargs="*", help="only these units, or units of these courses")
    parser.add_argument(
        "--fast", action="store_true", help="without running chapters, and without nbgrader"
    )
    options = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        found = units(load_courses(), options.unit)
        there = {c.assignments[n].book for c, n in found if _has_chapter(c, n)}
        seconds = {} if options.fast else chapters.run(sorted(there))
    except (CourseError, BookError) as error:
        print(error, file=sys.stderr)
        return 1
    print(_line(HEAD))
    bad = 0
    with ProcessPoolExecutor(2) as pool:
        waiting = [
            pool.submit(
                check_unit, c, n, seconds.get(c.assignments[n].book), not options.fast, workers=1
            )
            for c, n in found
        ]
        for job in waiting:
            report = job.result()
            print(_line(report.row()), flush=True)
            for problem in report.problems:
                print(f"    {problem}")
            bad += bool(report.problems)
    planned = sum(unit.planned for c in load_courses() for unit in c.units)
    print(
        f"{len(found)} units, {bad} with problems; {planned} planned "
        f"({time.monotonic() - started:.0f} s)"
    )
    return 1 if bad else 0


def _has_chapter(course: Course, name: str) -> bool:
    return (chapters.BOOK / f"{course.assignments[name].book}.md").is_file()


if __name__ == "__main__":
    sys.exit(main())

"""Hand in an attack, grade it with the whole of nbgrader, and look at what it got.

An attack is a module in cases/: its docstring says what it tries and what an honest grader does;
`GOAL` what it is after (points, leak, read, connect, write, stop). It has either `CODE`, which is
put before the first (wrong) answer, or `hand_in(place, nb, folder)`, which returns the notebook
that is handed in or None if it wrote the files itself. `@COURSE@`, `@HOME@` and the like in CODE
are what an attacker may know. All answers are wrong: whoever gets a point got it by the attack.

Optional: `ASSIGNMENT`, `STUDENT`, `CELL_SECONDS` (the longest run of a cell), `LIMITS` (ours:
fields of grading.Limits), `SETTLE` (seconds until what was left running would act). A case that
tries a limit prints a secret once past it.
"""

import base64
import binascii
import codecs
import html
import importlib.util
import re
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType

from attack_class import CANARY, POINTS, SECRET, Place, answered, cell
from nbgrader.api import MissingEntry
from nbgrader.apps.api import NbGraderAPI
from traitlets.config import Config

CASES = Path(__file__).parent / "cases"
GOALS = ("points", "leak", "read", "connect", "write", "stop")
CELL_SECONDS = 30  # a loaded machine shall not make an attack fail
STUDENT = "malo"


@dataclass
class Verdict:
    """What an attack got. Empty: nothing."""

    points: float = 0.0
    leaked: list[str] = field(default_factory=list)  # hidden tests in the feedback, how encoded
    read: list[str] = field(default_factory=list)  # secrets in outputs; proofs of a limit passed
    connected: list[str] = field(default_factory=list)  # listeners that were reached
    written: list[str] = field(default_factory=list)  # files of others that changed
    changed: list[str] = field(default_factory=list)  # grades of others that changed
    stopped: str = ""  # why the next submission was not graded

    @property
    def succeeded(self) -> bool:
        """Whether it got anything."""
        return any(asdict(self).values())


def load() -> dict[str, ModuleType]:
    """Return all attacks by name."""
    found = {}
    for path in sorted(CASES.glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"attack_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert module.GOAL in GOALS and module.__doc__, path
        found[path.stem] = module
    return found


class Grader:
    """A course that is graded with one configuration."""

    def __init__(self, place: Place, config: Config):
        self.place, self.config = place, config

    def attack(self, case: ModuleType) -> Verdict:
        """Hand in an attack, grade it, and return what it got."""
        place, verdict = self.place, Verdict()
        assignment = getattr(case, "ASSIGNMENT", "tarea")
        student = getattr(case, "STUDENT", STUDENT)
        self._forget(assignment, student)
        self._write(case, assignment, student)
        before, grades = place.fingerprint(student), self.grades_of("ana")
        place.heard()
        seconds = getattr(case, "CELL_SECONDS", CELL_SECONDS)
        self.autograde(assignment, student, getattr(case, "LIMITS", {}), seconds)
        time.sleep(getattr(case, "SETTLE", 0))
        verdict.connected = place.heard()
        after = place.fingerprint(student)
        verdict.written = sorted(k for k in before | after if before.get(k) != after.get(k))
        if self.grades_of("ana") != grades:
            verdict.changed = ["ana"]
        verdict.points = self.points(assignment, student)
        outputs = place.course / "autograded" / student / assignment / f"{assignment}.ipynb"
        if outputs.is_file():
            verdict.read = sorted(set(SECRET.findall(outputs.read_text(errors="replace"))))
        if case.GOAL == "leak" and outputs.is_file():
            verdict.leaked = self.leaked(assignment, student)
        if case.GOAL == "stop":
            verdict.stopped = self.honest()
        return verdict

    def _forget(self, assignment: str, student: str) -> None:
        """Take away what was handed in and graded before, which stays where grading fails."""
        self.place.forget(student)
        with NbGraderAPI(config=self.config).gradebook as gradebook:
            try:
                gradebook.remove_submission(assignment, student)
            except MissingEntry:
                pass

    def _write(self, case: ModuleType, assignment: str, student: str) -> None:
        nb = answered(self.place.released(assignment), assignment, right=False)
        folder = self.place.submitted(student, assignment)
        if hasattr(case, "CODE"):
            first = next(c for c in nb.cells if c.metadata.get("nbgrader", {}).get("solution"))
            first.source += "\n\n" + self.fill(case.CODE)
        else:
            nb = case.hand_in(self.place, nb, folder)
        if nb is not None:
            self.place.hand_in(student, assignment, nb)

    def fill(self, code: str) -> str:
        """Put in what an attacker may know: paths and addresses."""
        known = {"COURSE": self.place.course, "HOME": self.place.home, **self.place.names}
        for name, value in known.items():
            code = code.replace(f"@{name}@", repr(str(value) if name.isupper() else value))
        return code

    def autograde(
        self, assignment: str, student: str, limits: dict | None = None, seconds: int = CELL_SECONDS
    ) -> dict:
        """Let nbgrader grade one submission; never raises."""
        config = Config()
        config.merge(self.config)
        config.Execute.timeout = seconds
        if limits:
            config.SandboxedExecute.limits = limits
        try:
            return NbGraderAPI(config=config).autograde(assignment, student, create=True)
        except Exception as error:
            return {"success": False, "log": repr(error)}

    def points(self, assignment: str, student: str) -> float:
        """Return what the gradebook holds as automatic points."""
        with NbGraderAPI(config=self.config).gradebook as gradebook:
            try:
                submission = gradebook.find_submission(assignment, student)
            except MissingEntry:
                return 0.0
            return sum(
                grade.auto_score or 0
                for notebook in submission.notebooks
                for grade in notebook.grades
            )

    def grades_of(self, student: str) -> list:
        with NbGraderAPI(config=self.config).gradebook as gradebook:
            try:
                notebooks = gradebook.find_submission("tarea", student).notebooks
            except MissingEntry:
                return []
            return sorted(
                (grade.name, grade.auto_score, grade.manual_score)
                for notebook in notebooks
                for grade in notebook.grades
            )

    def feedback(self, assignment: str, student: str) -> str:
        """Generate feedback as an instructor does and return its HTML."""
        done = NbGraderAPI(config=self.config).generate_feedback(assignment, student)
        assert done["success"], done["log"]
        folder = self.place.course / "feedback" / student / assignment
        return (folder / f"{assignment}.html").read_text()

    def leaked(self, assignment: str, student: str) -> list[str]:
        """Return how the hidden tests can be read in what the student gets."""
        return encodings_of(CANARY, self.feedback(assignment, student))

    def honest(self, assignment: str = "tarea", student: str = "luz") -> str:
        """Grade an honest submission and return what went wrong, or nothing."""
        place = self.place
        self._forget(assignment, student)
        place.hand_in(student, assignment, answered(place.released(assignment), assignment, True))
        done = self.autograde(assignment, student)
        points = self.points(assignment, student)
        if points == POINTS[assignment]:
            return ""
        return f"{points} of {POINTS[assignment]} points: {done.get('log', '')[-2000:]}"


def encodings_of(text: str, page: str) -> list[str]:
    """Return in which ways a page holds `text`: plainly, reversed, in base64 and so on."""
    shown = html.unescape(re.sub(r"<[^>]*>", "", page))
    squeezed = re.sub(r"[\s'\"\\,]", "", shown)
    ways = {
        "plain": text,
        "reversed": text[::-1],
        "hex": text.encode().hex(),
        "rot13": codecs.encode(text, "rot13"),
        "numbers": "".join(str(ord(letter)) for letter in text),
    }
    found = [way for way, form in ways.items() if form in shown or form in squeezed]
    for token in re.findall(r"[A-Za-z0-9+/]{16,}={0,2}", squeezed):
        for start in range(4):
            part = token[start:].rstrip("=")
            try:
                decoded = base64.b64decode(part[: len(part) // 4 * 4])
            except (binascii.Error, ValueError):
                continue
            if text.encode() in decoded:
                found.append("base64")
                break
    return sorted(set(found))


__all__ = ["CASES", "Grader", "Verdict", "cell", "encodings_of", "load"]

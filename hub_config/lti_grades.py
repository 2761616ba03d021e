"""Grades back to learning platforms: a course's formgrader hands them in, the hub sends them.

The formgrader reads its gradebook (grading/platforms.py) and has no key; the hub has the key and
no gradebook. Only the service of a course may hand in, and only for that course.
"""

import asyncio
import logging
import threading
from collections.abc import Callable

from jupyterhub import orm
from jupyterhub.apihandlers.base import APIHandler
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from tornado import web

from courses.models import load_course

from .lti_platforms import Lti13
from .lti_records import Records
from .lti_services import Key, Service, ServiceError

log = logging.getLogger(__name__)


class Grade(BaseModel):
    """One student's final points in one assignment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    student: str = Field(max_length=32, description="login name")
    assignment: str = Field(min_length=1, max_length=255)
    points: float = Field(ge=0, allow_inf_nan=False)
    maximum: float = Field(gt=0, allow_inf_nan=False)


GRADES = TypeAdapter(list[Grade])


class Sender:
    """Sends what changed since the last time, and writes down each attempt."""

    def __init__(self, settings: Lti13, records: Records, key: Key, language: str):
        self.settings, self.records, self.key, self.language = settings, records, key, language
        self._one_at_a_time = threading.Lock()

    def send(self, course: str, grades: list[Grade]) -> dict:
        """Send a course's grades, and return what became of them.

        {"sent": 3, "unchanged": 20, "unknown": [students that no platform has],
        "no_place": [assignments that no link of the platform takes grades for],
        "failed": [{"student", "assignment", "problem"}]}: what failed is sent the next time.
        """
        with self._one_at_a_time:
            run = _Run(self, course, self.records.people({grade.student for grade in grades}))
            batches: dict[tuple[str, str], list[Grade]] = {}
            for grade in grades:
                if grade.student in run.people:
                    platform, _ = run.people[grade.student]
                    batches.setdefault((platform, grade.assignment), []).append(grade)
                else:
                    run.report["unknown"].append(grade.student)
            for (platform, assignment), batch in batches.items():
                run.send(platform, assignment, batch)
        for named in ("unknown", "no_place"):
            run.report[named] = sorted(set(run.report[named]))
        return run.report


class _Run:
    """One list of grades on its way; a platform that is found broken is not asked again."""

    def __init__(self, sender: Sender, course: str, people: dict[str, tuple[str, str]]):
        self.sender, self.records = sender, sender.records
        self.course, self.people = course, people
        self.report = {"sent": 0, "unchanged": 0, "unknown": [], "no_place": [], "failed": []}
        self._services: dict[tuple[str, str], Service] = {}
        self._broken: dict[tuple[str, str], ServiceError] = {}  # (platform, what was asked)

    def send(self, platform: str, assignment: str, grades: list[Grade]) -> None:
        """Send one assignment's grades to one platform."""
        place = self.records.place(platform, self.course, assignment)
        described = self.sender.settings.platforms.get(platform)
        if place is None or described is None or place[0] not in described.client_ids:
            self.report["no_place"].append(assignment)
            return
        client_id, line_item, line_items = place
        if (platform, client_id) not in self._services:
            new = Service(described, client_id, self.sender.key)
            self._services[platform, client_id] = new
        service = self._services[platform, client_id]
        try:
            line_item = line_item or self._ask(
                (platform, "place"),
                lambda: self._line_item(service, platform, line_items, grades[0]),
            )
        except ServiceError as error:
            for grade in grades:
                self._note(platform, "", grade, str(error))
            return
        known = self.records.last(line_item)
        for grade in grades:
            if known.get(grade.student) == (grade.points, grade.maximum):
                self.report["unchanged"] += 1
                continue
            _, subject = self.people[grade.student]
            score = (line_item, subject, grade.points, grade.maximum)
            try:
                self._ask((platform, "score"), lambda score=score: service.score(*score))
                self._note(platform, line_item, grade)
            except ServiceError as error:
                self._note(platform, line_item, grade, str(error))

    def _ask(self, whom: tuple[str, str], ask: Callable):
        """Return what `ask` does; raises ServiceError, at once where it is known to be broken."""
        if whom in self._broken:
            raise self._broken[whom]
        try:
            return ask()
        except ServiceError as error:
            if error.whole:
                self._broken[whom] = error
            raise

    def _line_item(self, service: Service, platform: str, line_items: str, grade: Grade) -> str:
        """Return the place of an assignment that has no link with one of its own."""
        assignment = load_course(self.course).assignments.get(grade.assignment)
        titles = assignment.title.model_dump() if assignment else {}
        title = titles.get(self.sender.language) or titles.get("es") or grade.assignment
        found = service.line_item(line_items, grade.assignment, title, grade.maximum)
        self.records.set_line_item(platform, self.course, grade.assignment, found)
        return found

    def _note(self, platform: str, line_item: str, grade: Grade, problem: str = "") -> None:
        """Write down what became of one grade."""
        self.records.log(
            platform=platform,
            course=self.course,
            assignment=grade.assignment,
            line_item=line_item,
            username=grade.student,
            points=grade.points,
            maximum=grade.maximum,
            problem=problem[:500],
        )
        if problem:
            said = {"student": grade.student, "assignment": grade.assignment, "problem": problem}
            self.report["failed"].append(said)
            log.warning("grade of %s in %s not sent: %s", grade.student, grade.assignment, problem)
        else:
            self.report["sent"] += 1


class GradesHandler(APIHandler):
    """`POST /hub/api/minga-grades/<course>`: send a list of Grade; answers with the report."""

    async def post(self, course: str) -> None:
        """Send what a course's formgrader hands in; 403 for everybody else, 400 for no list."""
        who = self.current_user
        if not isinstance(who, orm.Service) or who.name != course:
            raise web.HTTPError(403)
        try:
            grades = GRADES.validate_json(self.request.body)
        except ValidationError as error:
            raise web.HTTPError(400, "a list of student, assignment, points, maximum") from error
        report = await asyncio.to_thread(self.authenticator.sender.send, course, grades)
        self.finish(report)

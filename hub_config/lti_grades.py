"""Grades back to learning platforms: a course's formgrader hands them in, the hub sends them.

The formgrader reads its gradebook (grading/platforms.py) and has no key; the hub has the key and
no gradebook. Only the service of a course may hand in, and only for that course.
"""

import asyncio
import logging
import threading

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
        report = {"sent": 0, "unchanged": 0, "unknown": [], "no_place": [], "failed": []}
        with self._one_at_a_time:
            people = self.records.people({grade.student for grade in grades})
            report["unknown"] = sorted({g.student for g in grades} - set(people))
            batches: dict[tuple[str, str], list[Grade]] = {}
            for grade in grades:
                if grade.student in people:
                    platform, _ = people[grade.student]
                    batches.setdefault((platform, grade.assignment), []).append(grade)
            services, broken = {}, {}
            for (platform, assignment), batch in batches.items():
                place = self.records.place(platform, course, assignment)
                if place is None or place[0] not in self._clients(platform):
                    report["no_place"].append(assignment)
                    continue
                client_id, line_item, line_items = place
                if (platform, client_id) not in services:
                    described = self.settings.platforms[platform]
                    services[platform, client_id] = Service(described, client_id, self.key)
                service = services[platform, client_id]
                what = {"platform": platform, "course": course, "assignment": assignment}
                try:
                    if platform in broken:
                        raise broken[platform]
                    line_item = line_item or self._line_item(service, line_items, what, batch)
                except ServiceError as error:
                    if error.whole:
                        broken[platform] = error
                    for grade in batch:
                        self._failed(report, what, "", grade, error)
                    continue
                known = self.records.last(line_item)
                for grade in batch:
                    if known.get(grade.student) == (grade.points, grade.maximum):
                        report["unchanged"] += 1
                        continue
                    try:
                        if platform in broken:
                            raise broken[platform]
                        subject = people[grade.student][1]
                        service.score(line_item, subject, grade.points, grade.maximum)
                    except ServiceError as error:
                        if error.whole:
                            broken[platform] = error
                        self._failed(report, what, line_item, grade, error)
                        continue
                    self._log(what, line_item, grade)
                    report["sent"] += 1
        report["no_place"] = sorted(set(report["no_place"]))
        return report

    def _clients(self, platform: str) -> list[str]:
        described = self.settings.platforms.get(platform)
        return described.client_ids if described else []

    def _line_item(self, service: Service, line_items: str, what: dict, batch: list[Grade]) -> str:
        """Return the place of an assignment that has no link with one of its own."""
        assignment = load_course(what["course"]).assignments.get(what["assignment"])
        titles = assignment.title.model_dump() if assignment else {}
        title = titles.get(self.language) or titles.get("es") or what["assignment"]
        found = service.line_item(line_items, what["assignment"], title, batch[0].maximum)
        self.records.set_line_item(**what, found=found)
        return found

    def _failed(self, report: dict, what: dict, place: str, grade: Grade, error: Exception) -> None:
        self._log(what, place, grade, str(error)[:500])
        said = {"student": grade.student, "assignment": grade.assignment, "problem": str(error)}
        report["failed"].append(said)
        log.warning("grade of %s in %s not sent: %s", grade.student, grade.assignment, error)

    def _log(self, what: dict, line_item: str, grade: Grade, problem: str = "") -> None:
        self.records.log(
            **what,
            line_item=line_item,
            username=grade.student,
            points=grade.points,
            maximum=grade.maximum,
            problem=problem,
        )


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

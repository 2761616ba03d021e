"""List what is released and what was handed in, as nbgrader's programs want it."""

from pathlib import Path

from nbgrader.exchange.abc import ExchangeList
from traitlets import Bool

from ..client import ExchangeProblem
from .base import ServiceExchange
from .feedback import fetched
from .switch import language_in


class ExchangeUnavailable(Exception):
    """The exchange did not answer; said in a way that JupyterLab's assignment list shows."""


class ServiceList(ServiceExchange, ExchangeList):
    """The assignments of a course, or of all courses of a person.

    `inbound` and `cached` list submissions: both are asked of the service, so that a student sees
    them on every site.
    """

    show_words = Bool(
        False,
        help="Raise what the assignment list shows: it replaces the text of an ExchangeError by "
        "its own, about a folder that is missing",
    ).tag(config=True)

    def start(self):
        """Return the list; raises ExchangeError, or ExchangeUnavailable with `show_words`."""
        # A page waits for the list, and it is asked for often.
        self.patience = min(self.patience, 1.5)
        return super().start()

    def refused(self, problem: ExchangeProblem) -> None:
        """Raise ExchangeError, or ExchangeUnavailable with `show_words`."""
        if self.show_words:
            self.log.error(str(problem))
            raise ExchangeUnavailable(f"\n\n{problem}") from None
        super().refused(problem)

    def list_files(self) -> list[dict]:
        """Return what is there, and log it."""
        if self.inbound or self.cached:
            found = [group for course in self._courses() for group in self._submitted(course)]
            self.log.info("Submitted assignments:")
            for group in found:
                for info in group["submissions"]:
                    self.log.info(_line(info))
        else:
            found = [info for course in self._courses() for info in self._released(course)]
            self.log.info("Released assignments:")
            for info in found:
                downloaded = " (already downloaded)" if info["status"] == "fetched" else ""
                self.log.info(f"{info['course_id']} {info['assignment_id']}{downloaded}")
                self.log_terms(info.pop("terms"))
        return found

    def remove_files(self) -> list[dict]:
        """Withdraw releases; what was handed in stays."""
        if self.inbound or self.cached:
            self.fail(self.say("not_removed"))
        found = [info for course in self._courses() for info in self._released(course)]
        for info in found:
            del info["terms"]
            words = {"course": info["course_id"], "assignment": info["assignment_id"]}
            self.client.withdraw(*words.values())
            info["status"] = "removed"
            self.log.info(self.say("withdrawn", **words))
        return found

    def _courses(self) -> list[str]:
        """Return the course that was asked for, or all courses of this person."""
        if self.coursedir.course_id not in ("", "*"):
            return [self.coursedir.course_id]
        student = self.coursedir.student_id
        courses = self.authenticator.get_student_courses(student) if self.authenticator else None
        return sorted(courses or [])

    def _wanted(self, assignment: str) -> bool:
        return self.assignment in ("", "*", assignment)

    def _released(self, course: str) -> list[dict]:
        """Return nbgrader's entries for what is released in a course."""
        found = []
        for listed in self.client.assignments(course):
            assignment = listed["assignment"]
            if not self._wanted(assignment):
                continue
            folder = self.work(course, assignment)
            info = {"course_id": course, "assignment_id": assignment, "terms": listed}
            outside = {
                "status": "released",
                "path": "",
                "notebooks": [{"notebook_id": n, "path": ""} for n in listed["notebooks"]],
            }
            if not folder.exists():
                found.append(info | outside)
                continue
            mine = sorted(folder.glob("*.ipynb"))
            inside = {
                "status": "fetched",
                "path": str(folder),
                "notebooks": [{"notebook_id": p.stem, "path": str(p)} for p in mine],
            }
            found.append(info | inside)
            # Fetching it again, in the language of now, is possible: it has its button, too.
            if self.show_words and self.language in listed["languages"]:
                languages = {language_in(path) for path in mine} - {""}
                if languages and self.language not in languages:
                    found.append(info | outside)
        return found

    def _submitted(self, course: str) -> list[dict]:
        """Return nbgrader's entries for what was handed in, grouped by student and assignment."""
        groups: dict[tuple, list[dict]] = {}
        student = self.coursedir.student_id
        student = "" if student in ("", "*") else student
        for listed in self.client.assignments(course):
            assignment = listed["assignment"]
            if not self._wanted(assignment):
                continue
            for receipt in self.client.submissions(course, assignment):
                if student and receipt["student"] != student:
                    continue
                info = self._submission(receipt, listed["notebooks"])
                groups.setdefault((course, receipt["student"], assignment), []).append(info)
        return [
            {
                "course_id": course,
                "student_id": student,
                "assignment_id": assignment,
                "status": "submitted",
                "submissions": sorted(infos, key=lambda info: info["timestamp"]),
            }
            for (course, student, assignment), infos in sorted(groups.items())
        ]

    def _submission(self, receipt: dict, notebooks: list[str]) -> dict:
        """Return nbgrader's entry for one submission."""
        course, assignment = receipt["course"], receipt["assignment"]
        moment = self.moment(receipt["timestamp"])
        folder = self.work(course, assignment) / "feedback" / moment
        here = fetched(folder)
        feedback = {
            "has_local_feedback": bool(here),
            "has_exchange_feedback": receipt["has_feedback"],
            "feedback_updated": bool(here) and here != (receipt["feedback_sha256"] or here),
            "local_feedback_path": str(folder) if here else None,
        }
        copy = Path(self.cache, course, f"{receipt['student']}+{assignment}+{moment}")
        return {
            "course_id": course,
            "student_id": receipt["student"],
            "assignment_id": assignment,
            "timestamp": moment,
            "status": "submitted",
            "path": str(copy) if copy.is_dir() else "",
            "receipt": receipt["id"],
            **feedback,
            "notebooks": [
                {
                    "notebook_id": name,
                    "path": str(copy / f"{name}.ipynb"),
                    **feedback,
                    "local_feedback_path": str(folder / f"{name}.html") if here else None,
                }
                for name in notebooks
            ],
        }


def _line(info: dict) -> str:
    """Return a submission as `nbgrader list` shows it."""
    if info["has_local_feedback"] and not info["feedback_updated"]:
        feedback = "feedback already fetched"
    elif info["has_exchange_feedback"]:
        feedback = "feedback ready to be fetched"
    else:
        feedback = "no feedback available"
    return "{course_id} {student_id} {assignment_id} {timestamp}".format(**info) + f" ({feedback})"

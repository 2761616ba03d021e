"""Due dates: the gradebook, where instructors set them, and the exchange, which applies them."""

from datetime import UTC, datetime

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.coursedir import CourseDirectory

from ..client import ExchangeClient

POLICY = ("due", "grace_seconds", "late_policy", "attempts", "extensions")


def due_to_exchange(client: ExchangeClient, coursedir: CourseDirectory) -> dict:
    """Let the due date that formgrader shows be the exchange's; return the policy.

    Where the gradebook has none, the exchange's is put into it, so that both agree.
    """
    course, assignment = coursedir.course_id, coursedir.assignment_id
    policy = client.policy(course, assignment)
    with Gradebook(coursedir.db_url, course) as gradebook:
        try:
            entry = gradebook.find_assignment(assignment)
        except MissingEntry:
            return policy
        if entry.duedate is None and policy["due"]:
            entry.duedate = _naive(policy["due"])
            gradebook.db.commit()
        due = entry.duedate
    if due is not None and (not policy["due"] or _naive(policy["due"]) != due):
        wanted = {name: policy[name] for name in POLICY}
        wanted["due"] = due.replace(tzinfo=UTC).isoformat()
        policy = client.set_policy(course, assignment, wanted)
    return policy


def extensions_to_gradebook(coursedir: CourseDirectory, receipts: list[dict]) -> None:
    """Give students in the gradebook the extensions that their receipts show.

    nbgrader counts lateness, and penalties for it, from its own due date and extension.
    """
    assignment = coursedir.assignment_id
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        try:
            due = gradebook.find_assignment(assignment).duedate
        except MissingEntry:
            return
        for receipt in receipts:
            if due is None or not receipt["due"]:
                continue
            extension = _naive(receipt["due"]) - due
            try:
                entry = gradebook.find_submission(assignment, receipt["student"])
            except MissingEntry:
                if not extension:
                    continue
                gradebook.update_or_create_student(receipt["student"])
                entry = gradebook.add_submission(assignment, receipt["student"])
            if (entry.extension or None) != (extension or None):
                entry.extension = extension or None
                gradebook.db.commit()


def _naive(text: str) -> datetime:
    """Return a time of the service as the gradebook keeps it: UTC without saying so."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)

"""When a submission is late, and when none is taken any more."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from .problems import Problem
from .tables import Assignment, Extension


@dataclass(frozen=True)
class Terms:
    """What holds for one student: the assignment's policy with the student's extension."""

    due: datetime | None
    grace: timedelta
    late_policy: str
    attempts: int | None

    @classmethod
    def of(cls, assignment: Assignment, extension: Extension | None) -> "Terms":
        """Return the terms of somebody who has this extension, or none."""

        def own(item: str):
            value = getattr(extension, item, None)
            return getattr(assignment, item) if value is None else value

        grace = timedelta(seconds=assignment.grace_seconds)
        return cls(own("due"), grace, assignment.late_policy, own("attempts"))

    def late_seconds(self, when: datetime) -> int:
        """Return how late `when` is: 0 within the grace, after it counted from the due date.

        A part of a second counts as a whole one: late is late.
        """
        if self.due is None or when <= _plus(self.due, self.grace):
            return 0
        return -((self.due - when) // timedelta(seconds=1))

    def closed(self, when: datetime) -> bool:
        """Tell whether nothing is taken any more."""
        return self.late_policy == "reject" and self.late_seconds(when) > 0

    def left(self, used: int) -> int | None:
        """Return how many attempts are left; None: any number."""
        return None if self.attempts is None else max(0, self.attempts - used)

    def admit(self, when: datetime, used: int) -> int:
        """Return the lateness in seconds; raises Problem closed or no_attempts_left."""
        if self.closed(when):
            raise Problem("closed", due=f"{self.due:%Y-%m-%d %H:%M}")
        if self.left(used) == 0:
            raise Problem("no_attempts_left", attempts=self.attempts)
        return self.late_seconds(when)


def _plus(due: datetime, grace: timedelta) -> datetime:
    try:
        return due + grace
    except OverflowError:
        return datetime.max.replace(tzinfo=due.tzinfo)

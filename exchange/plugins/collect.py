"""Collect what was handed in, for grading."""

from datetime import UTC, datetime
from pathlib import Path

from nbgrader.exchange.abc import ExchangeCollect

from .. import filesets
from .base import ServiceExchange
from .gradebook import due_to_exchange, extensions_to_gradebook


class ServiceCollect(ServiceExchange, ExchangeCollect):
    """Bring each student's latest submission into the course's `submitted` folder.

    Who handed it in is what the hub said of them then: `check_owner` has nothing to compare.
    """

    def init_src(self) -> None:
        """Choose a submission of each student."""
        student = self.coursedir.student_id
        student = "" if student in ("", "*") else student
        policy = due_to_exchange(self.client, self.coursedir)
        general = policy["due"] and datetime.fromisoformat(policy["due"])
        by_student: dict[str, list[dict]] = {}
        for receipt in self.client.submissions(
            self.course, self.assignment, student, latest=not self.before_duedate
        ):
            by_student.setdefault(receipt["student"], []).append(receipt)
        self.chosen = []
        for receipts in by_student.values():
            receipts.sort(key=lambda receipt: _when(receipt["timestamp"]))
            in_time = [r for r in receipts if not r["late_seconds"] or _before(r, general)]
            early = in_time if self.before_duedate else []
            self.chosen.append((early or receipts)[-1])

    def copy_files(self) -> None:
        """Download those that are not there yet, each whole or not at all."""
        words = {"assignment": self.assignment, "course": self.course}
        if not self.chosen:
            self.log.warning(self.say("none_to_collect", **words))
            return
        self.log.info(
            "Processing %s submissions of '%s' for course '%s'",
            len(self.chosen),
            self.assignment,
            self.course,
        )
        for receipt in self.chosen:
            self._collect(receipt)
        extensions_to_gradebook(self.coursedir, self.chosen)

    def _collect(self, receipt: dict) -> None:
        student = filesets.safe_part(receipt["student"])
        directory = self.coursedir
        target = Path(
            directory.format_path(directory.submitted_directory, student, self.assignment)
        )
        updating = target.is_dir()
        if updating:
            there = directory.get_existing_timestamp(str(target))
            here = _when(receipt["timestamp"]).replace(tzinfo=None)
            newer = self.update and (there is None or here > there)
            if not newer and not (self.before_duedate and there != here):
                text = (
                    "No newer submission to collect: %s %s"
                    if self.update
                    else "Submission already exists, use --update to update: %s %s"
                )
                self.log.info(text, student, self.assignment)
                return
        did = "Updating" if updating else "Collecting"
        self.log.info("%s submission: %s %s", did, student, self.assignment)
        with filesets.new_folder(target) as new:
            self.client.fetch_submission(receipt["id"], new)
            # nbgrader counts lateness from this file; one that was handed in counts for nothing.
            filesets.write_text(new / "timestamp.txt", self.moment(receipt["timestamp"]))
        if receipt["late_seconds"]:
            minutes = receipt["late_seconds"] / 60
            self.log.info("Late by %.0f minutes: %s %s", minutes, student, self.assignment)


def _when(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _before(receipt: dict, general: datetime | None) -> bool:
    """Tell whether it came before the due date as it is now; extensions are in the receipt."""
    return general is not None and _when(receipt["timestamp"]) <= general

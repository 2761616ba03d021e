"""Feedback to students, and from their instructors."""

import shutil
import tempfile
from pathlib import Path

from nbgrader.exchange.abc import ExchangeFetchFeedback, ExchangeReleaseFeedback
from traitlets import Unicode
from traitlets.utils.importstring import import_item

from .. import filesets
from ..words import say
from .base import ServiceExchange


class ServiceReleaseFeedback(ServiceExchange, ExchangeReleaseFeedback):
    """Give each student the pages that generate_feedback made of the submission it graded."""

    then = Unicode(help="Function to call with this object when all of it is given").tag(
        config=True
    )

    def copy_files(self) -> None:
        """Send the feedback of one student or of all; what was sent already is not sent again."""
        directory = self.coursedir
        student = "" if directory.student_id in ("", "*") else directory.student_id
        excluded = set(filter(None, (directory.student_id_exclude or "").split(",")))
        receipts = {
            (receipt["student"], self.moment(receipt["timestamp"])): receipt
            for receipt in self.client.submissions(self.course, self.assignment, student)
        }
        students = {student} if student else {name for name, _ in receipts}
        for name in sorted(students - excluded):
            folder = Path(
                directory.format_path(
                    directory.feedback_directory, filesets.safe_part(name), self.assignment
                )
            )
            if any(folder.glob("*.html")):
                self._give(name, folder, receipts)
        if self.then:
            import_item(self.then)(self)

    def _give(self, student: str, folder: Path, receipts: dict) -> None:
        stamp = folder / "timestamp.txt"
        moment = stamp.read_text().strip() if stamp.is_file() else ""
        receipt = receipts.get((student, moment))
        if receipt is None:
            words = {"student": student, "timestamp": moment or "?"}
            self.log.error(self.say("feedback_unmatched", **words))
            return
        with tempfile.TemporaryDirectory() as parent:
            draft = Path(parent)
            for page in folder.glob("*.html"):
                shutil.copyfile(page, draft / page.name)
            files = filesets.read(draft)
            if receipt["feedback_sha256"] != filesets.digest(files):
                self.client.give_feedback(receipt["id"], draft, files)
        words = {"student": student, "assignment": self.assignment, "timestamp": moment}
        self.log.info(self.say("feedback_released", **words))


class ServiceFetchFeedback(ServiceExchange, ExchangeFetchFeedback):
    """Bring the feedback on all of one's submissions into `feedback/<time of the submission>`."""

    def init_src(self) -> None:
        """See what was handed in, and what has feedback."""
        self.receipts = self.client.submissions(self.course, self.assignment)
        me = self.coursedir.student_id
        if me not in ("", "*"):  # an instructor's token sees everybody's
            self.receipts = [receipt for receipt in self.receipts if receipt["student"] == me]
        if not self.receipts:
            self.log.warning(self.say("not_submitted_yet", assignment=self.assignment))

    def init_dest(self) -> None:
        """Know the folder."""
        self.folder = self.work(self.course, self.assignment) / "feedback"

    def copy_files(self) -> None:
        """Download what is new or changed, each submission's whole or not at all."""
        for receipt in self.receipts:
            moment = self.moment(receipt["timestamp"])
            if not receipt["has_feedback"]:
                self.log.warning(self.say("no_feedback", timestamp=moment))
                continue
            target = self.folder / moment
            if fetched(target) != receipt["feedback_sha256"]:
                with filesets.new_folder(target) as new:
                    self.client.fetch_feedback(receipt["id"], new)
            self.log.info(say(self.language, "feedback_fetched", folder=target))


def fetched(folder: Path) -> str:
    """Return the SHA-256 of feedback that was fetched, "" if there is none."""
    return filesets.digest(filesets.read(folder)) if folder.is_dir() else ""

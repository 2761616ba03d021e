"""Release an assignment, in all languages."""

import tempfile
from pathlib import Path

from nbgrader.exchange.abc import ExchangeReleaseAssignment
from nbgrader.utils import ignore_patterns

from .. import filesets
from .base import ServiceExchange
from .gradebook import due_to_exchange


class ServiceReleaseAssignment(ServiceExchange, ExchangeReleaseAssignment):
    """Send the student version with its language variants; what students fetched stays theirs.

    The variants are made here and not after generating, so that formgrader's buttons give the
    same as the commands.
    """

    def init_src(self) -> None:
        """Find the student version, and put its variants beside it."""
        from courses import variants  # a student's session fetches without the translation tool

        folder = self.coursedir.format_path(self.coursedir.release_directory, ".", self.assignment)
        self.folder = Path(folder)
        if not self.folder.is_dir():
            self.fail(self.say("no_release_folder", folder=self.folder))
        variants.build(self.course, self.assignment, self.folder)

    def init_dest(self) -> None:
        """See whether it is released already."""
        if not self.force:
            released = [listed["assignment"] for listed in self.client.assignments(self.course)]
            if self.assignment in released:
                words = {"course": self.course, "assignment": self.assignment}
                self.fail(self.say("released_already", **words))

    def copy_files(self) -> None:
        """Send it; the due date that formgrader shows is the one that holds."""
        ignore = ignore_patterns(exclude=self.coursedir.ignore, log=self.log)
        with tempfile.TemporaryDirectory() as parent:
            draft = Path(parent) / "release"
            filesets.copy(self.folder, draft, ignore, self._linked)
            files = filesets.read(draft)
            self.client.release(self.course, self.assignment, draft, files)
        due_to_exchange(self.client, self.coursedir)
        released = self.client.released(self.course, self.assignment, self.language)
        languages = ", ".join(released["languages"])
        words = {"course": self.course, "assignment": self.assignment, "languages": languages}
        self.log.info(self.say("released", **words))

    def _linked(self, name: str) -> None:
        self.log.warning(self.say("link_skipped", name=name))

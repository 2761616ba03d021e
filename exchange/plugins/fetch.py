"""Fetch an assignment in one's own language, and change the language of what one has."""

import shutil
import tempfile
from pathlib import Path

from nbgrader.exchange.abc import ExchangeFetchAssignment

from .. import filesets
from .base import ServiceExchange
from .switch import language_in, switch


class ServiceFetchAssignment(ServiceExchange, ExchangeFetchAssignment):
    """Bring an assignment; what a student has already is never overwritten.

    Fetching again in another language translates what the student has not edited; with
    `--replace`, files that are missing are put back.
    """

    def init_src(self) -> None:
        """See what is handed out, in the person's language."""
        self.released = self.client.released(self.course, self.assignment, self.language)

    def init_dest(self) -> None:
        """See what is there already."""
        self.folder = self.work(self.course, self.assignment)
        self.switching = self.folder.is_dir() and any(
            language_in(path) not in ("", self.released["language"])
            for path in self.folder.glob("*.ipynb")
        )
        if self.folder.is_dir() and not (self.replace_missing_files or self.switching):
            words = {"assignment": self.assignment, "folder": self.folder}
            self.fail(self.say("fetched_already", **words))

    def copy_files(self) -> None:
        """Download everything, verified, and put it where it belongs."""
        if not self.folder.exists():
            with filesets.new_folder(self.folder) as new:
                self.client.fetch_release(self.released, new)
        else:
            with tempfile.TemporaryDirectory() as parent:
                new = Path(parent)
                self.client.fetch_release(self.released, new)
                if self.replace_missing_files:
                    self._put_back(new)
                if self.switching:
                    self._switch(new)
        words = {"course": self.course, "assignment": self.assignment, "folder": self.folder}
        self.log.info(self.say("fetched", **words))
        self.terms()

    def _put_back(self, new: Path) -> None:
        """Copy what is missing; a link's name is not missing, and nothing goes through one."""
        for path in filesets.walk(new):
            name = path.relative_to(new)
            target = self.folder / name
            steps = [self.folder / part for part in reversed(name.parents)]
            if target.is_symlink() or target.exists() or any(s.is_symlink() for s in steps[1:]):
                continue
            self.log.warning(self.say("replacing", name=name))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)

    def _switch(self, new: Path) -> None:
        """Change the language of the notebooks of the assignment; keep a copy of each."""
        for path in sorted(new.glob("*.ipynb")):
            mine = self.folder / path.name
            before = language_in(mine) if mine.is_file() and not mine.is_symlink() else ""
            if before in ("", self.released["language"]):
                continue
            with tempfile.TemporaryDirectory() as parent:
                old = self.client.released(self.course, self.assignment, before)
                self.client.fetch_release(old, Path(parent))
                text, changed, kept = switch(mine, Path(parent) / path.name, path)
            # Not .ipynb: it would be taken for one more notebook of the assignment.
            backup = mine.with_name(f"{mine.name}.{before}.bak")
            filesets.write_text(backup, mine.read_text(encoding="utf-8"))
            filesets.write_text(mine, text)
            words = {"name": mine.name, "changed": changed, "kept": kept, "backup": backup.name}
            self.log.info(self.say("switched", **words))

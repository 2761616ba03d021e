"""Hand in, and keep the receipt."""

import json
import shutil
import uuid
from datetime import timedelta
from pathlib import Path

from nbgrader.exchange.abc import ExchangeSubmit
from nbgrader.utils import ignore_patterns

from translation.languages import SOURCE

from .. import filesets
from ..client import ExchangeProblem
from ..receipt import file_name, file_names
from .base import ServiceExchange


class ServiceSubmit(ServiceExchange, ExchangeSubmit):
    """Send a copy of the work; it counts when the receipt is there."""

    def init_src(self) -> None:
        """Find the work."""
        self.coursedir.assignment_id = Path(self.assignment).name  # a path, when tab completed it
        self.folder = self.work(self.course, self.assignment)
        if not self.folder.is_dir():
            self.fail(self.say("no_folder", folder=self.folder))

    def copy_files(self) -> None:
        """Copy, send, and keep copy and receipt."""
        self._compare_notebooks()
        copies = Path(self.cache, self.course)
        copies.mkdir(parents=True, exist_ok=True)
        draft = copies / f".{uuid.uuid4().hex}"
        try:
            # A kernel may write while this reads: what is sent is what is kept.
            filesets.copy(self.folder, draft, self._left_out, self._linked)
            receipt = self._send(draft)
            moment = self.moment(receipt["timestamp"])
            kept = copies / f"{receipt['student']}+{self.assignment}+{moment}"
            text = json.dumps(receipt, indent=1, ensure_ascii=False)
            if not kept.exists():
                filesets.write_text(draft / "timestamp.txt", moment)
                filesets.write_text(draft / file_name(SOURCE), text)
                draft.rename(kept)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        file = self.folder / file_name(self.language)
        filesets.write_text(file, text)
        self.log.info(self.say("receipt", **(receipt | {"timestamp": moment, "file": file})))
        if receipt["late_seconds"]:
            late = timedelta(seconds=receipt["late_seconds"])
            self.log.warning(self.say("late", late=late))
        try:
            self.terms()
        except ExchangeProblem as error:
            self.log.warning(str(error))  # it is handed in all the same

    def _send(self, draft: Path) -> dict:
        """Send what is in `draft`; return the receipt."""
        files = filesets.read(draft)
        # Whoever hands in the same again, because no answer came, gets the first one's receipt.
        unsure = Path(self.cache, self.course, f".{self.assignment}-unsure.json")
        sha256 = filesets.digest(files)
        try:
            before = json.loads(unsure.read_text())
        except (OSError, ValueError):
            before = {}
        key = before.get(sha256) if isinstance(before, dict) else None
        key = key if isinstance(key, str) else uuid.uuid4().hex
        filesets.write_text(unsure, json.dumps({sha256: key}))
        try:
            receipt = self.client.submit(self.course, self.assignment, draft, files, key)
        except ExchangeProblem as error:
            lines = ["", self.say("not_submitted", assignment=self.assignment), str(error)]
            if error.may_have_arrived:
                lines.append(self.say("submit_failed", folder=self.folder))
            else:
                unsure.unlink(missing_ok=True)
            self.fail("\n".join(lines))
        unsure.unlink(missing_ok=True)
        return receipt

    def _left_out(self, parent: str, names: list[str]) -> list[str]:
        """Say what is not handed in; as copytree's `ignore`."""
        directory = self.coursedir
        ignore = ignore_patterns(
            directory.ignore, directory.include, directory.max_file_size, self.log
        )
        ours = file_names() if Path(parent) == self.folder else ()
        return [*ignore(parent, names), *(name for name in names if name in ours)]

    def _linked(self, name: str) -> None:
        self.log.warning(self.say("link_skipped", name=name))

    def _compare_notebooks(self) -> None:
        """Say which notebooks are missing or more than released; raises ExchangeError (strict)."""
        released = self.client.released(self.course, self.assignment, self.language)
        wanted = {f["path"] for f in released["files"] if f["path"].endswith(".ipynb")}
        found = {f.name for f in self.folder.glob("*.ipynb")}
        found |= {name for name in wanted if (self.folder / name).is_file()}
        if wanted - found:
            text = self.say("missing", names=", ".join(sorted(wanted - found)))
            if self.strict:
                self.fail(self.say("not_submitted", assignment=self.assignment) + " " + text)
            self.log.warning(text)
        if found - wanted:
            self.log.warning(self.say("extra", names=", ".join(sorted(found - wanted))))

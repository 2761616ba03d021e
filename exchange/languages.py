"""Release in all languages; fetch in one's own, under the same file name.

The cells, their ids, tests and points are the same in all languages, so that one gradebook
serves them all.
"""

import shutil
import tempfile
from pathlib import Path

from nbgrader.exchange.default import ExchangeFetchAssignment, ExchangeReleaseAssignment
from traitlets import Unicode

FOLDER = ".languages"  # in a release; courses/variants.py says what it holds


class ReleaseAssignmentInLanguages(ExchangeReleaseAssignment):
    """nbgrader's release, with the language variants made anew from what is released.

    Here and not after generating, so that formgrader's buttons give the same as the commands.
    """

    def init_src(self) -> None:
        """Find the release, and put its variants beside it."""
        from courses import variants  # a student's session fetches without the translation tool

        super().init_src()
        course, assignment = self.coursedir.course_id, self.coursedir.assignment_id
        variants.build(course, assignment, Path(self.src_path))


class FetchAssignmentInLanguage(ExchangeFetchAssignment):
    """nbgrader's fetch, from a release with language variants."""

    language = Unicode("es", help="The language that the student reads").tag(config=True)

    def do_copy(self, src: str, dest: str) -> None:
        """Copy the release from `src` to `dest` with the notebooks of one language."""
        with tempfile.TemporaryDirectory() as folder:
            staged = Path(folder) / "release"
            shutil.copytree(src, staged, ignore=shutil.ignore_patterns(*self.coursedir.ignore))
            variants = staged / FOLDER
            chosen = {path.stem: path for path in (variants / self.language).glob("*.json")}
            for notebook in staged.glob("*.ipynb"):
                if notebook.stem in chosen:
                    shutil.copyfile(chosen[notebook.stem], notebook)
            shutil.rmtree(variants, ignore_errors=True)
            super().do_copy(str(staged), dest)

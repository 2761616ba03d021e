"""Where a course's gradebook is: SQLite in its working folder, or what that folder names.

The folder itself says it (`gradebook.url`), so that formgrader, grading, exports and nbgrader's
own commands all find the same one, whoever starts them.
"""

from pathlib import Path

ADDRESS = "gradebook.url"  # in the course's working folder: a SQLAlchemy URL, without a password
SQLITE = "gradebook.db"  # nbgrader's default, in the same folder


class GradebookMoved(Exception):
    """Another gradebook is wished for than the one that has the course's grades."""


def address(root: str | Path) -> str:
    """Return the SQLAlchemy URL of the gradebook of the course in `root`."""
    root = Path(root)
    try:
        return (root / ADDRESS).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return f"sqlite:///{(root / SQLITE).absolute()}"


def choose(root: Path, url: str) -> bool:
    """Let `url` be the course's gradebook ("": SQLite); return whether that is another than before.

    Raises GradebookMoved where the one until now may have grades: they would be gone unseen.
    """
    file, before = root / ADDRESS, address(root)
    wanted = url or f"sqlite:///{(root / SQLITE).absolute()}"
    if wanted == before:
        return False
    kept = file if file.exists() else root / SQLITE
    if kept.exists():
        raise GradebookMoved(
            f"The gradebook of this course is {before}; the deployment says {wanted}, which does "
            f"not have its grades. Put gradebooks.database back, or move the grades "
            f"(docs/operators/produccion.md) and then remove {kept}."
        )
    draft = file.with_suffix(".new")
    draft.write_text(url, encoding="utf-8")
    draft.replace(file)
    return True

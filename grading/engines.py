"""One database engine for all of a process's gradebooks.

nbgrader opens its gradebook some fifteen times for a submission, each time with a new engine that
compiles every query anew: half of what grading costs beside running the code. It has no setting
for it. Each time it also asks for all tables, for each of its thirteen and for the course, and
connects anew: here once for a file, as long as it is the same one.
"""

import functools
import os
import weakref
from types import SimpleNamespace

import sqlalchemy
from nbgrader import api

_courses: weakref.WeakKeyDictionary[sqlalchemy.Engine, set[str]] = weakref.WeakKeyDictionary()
_complete: weakref.WeakSet[sqlalchemy.Engine] = weakref.WeakSet()  # files whose tables are there


def share() -> None:
    """Let nbgrader's Gradebook use one engine a database and process; twice is as once."""
    api.create_engine = _engine
    api.inspect = _inspect
    api.Base.metadata.create_all = _create_all
    api.Gradebook.check_course = _check_course


def _engine(url: str, **options) -> sqlalchemy.Engine:
    return _made(str(url), _file(str(url)), os.getpid(), tuple(sorted(options.items())))


def _file(url: str) -> tuple[int, int] | None:
    """Return which file an SQLite URL names now, None if it is not there."""
    place = sqlalchemy.make_url(url)
    try:
        found = os.stat(place.database or "") if place.drivername.startswith("sqlite") else None
    except OSError:
        return None
    return found and (found.st_dev, found.st_ino)


@functools.lru_cache(maxsize=16)
def _made(url: str, file: tuple | None, process: int, options: tuple) -> sqlalchemy.Engine:
    engine = sqlalchemy.create_engine(url, **dict(options))
    if file:
        engine.dispose = lambda close=True: None  # Gradebook.close: the next one is soon there
    return engine


def _inspect(engine: sqlalchemy.Engine):
    """Return what knows the names of the tables, which is all that the Gradebook wants."""
    if engine in _complete:
        return SimpleNamespace(get_table_names=lambda: ["alembic_version"])
    return sqlalchemy.inspect(engine)


_asked_each_time = api.Gradebook.check_course


def _check_course(book: api.Gradebook, course_id: str = "default_course", **about):
    """Add the course to the gradebook if it is not there; in a file, asked for once."""
    seen = _courses.setdefault(book.engine, set())
    if course_id in seen and not about:
        return None  # Gradebook() does not look at it
    course = _asked_each_time(book, course_id, **about)
    if book.engine in _complete:
        seen.add(course_id)
    return course


def _create_all(bind: sqlalchemy.Engine) -> None:
    if bind in _complete:
        return
    if not sqlalchemy.inspect(bind).has_table("alembic_version"):
        sqlalchemy.MetaData.create_all(api.Base.metadata, bind=bind)
    elif _file(str(bind.url)):
        _complete.add(bind)

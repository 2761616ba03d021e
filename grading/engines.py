"""One database engine for all of a process's gradebooks.

nbgrader opens its gradebook some fifteen times for a submission, each time with a new engine that
compiles every query anew: half of what grading costs beside running the code. It has no setting
for it. Each time it also asks for each of its thirteen tables whether it is there; here only for
the one that it makes last.
"""

import functools
import os

import sqlalchemy
from nbgrader import api


def share() -> None:
    """Let nbgrader's Gradebook use one engine a database and process; twice is as once."""
    api.create_engine = _engine
    api.Base.metadata.create_all = _create_all


def _create_all(bind: sqlalchemy.Engine) -> None:
    if not sqlalchemy.inspect(bind).has_table("alembic_version"):
        sqlalchemy.MetaData.create_all(api.Base.metadata, bind=bind)


def _engine(url: str, **options) -> sqlalchemy.Engine:
    return _made(str(url), os.getpid(), tuple(sorted(options.items())))


@functools.lru_cache(maxsize=16)
def _made(url: str, process: int, options: tuple) -> sqlalchemy.Engine:
    return sqlalchemy.create_engine(url, **dict(options))

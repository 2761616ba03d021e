"""Final points whose feedback was given, handed to the hub, which sends them to learning platforms.

    python -m hub_config.send_grades COURSE [ASSIGNMENT …]   as the operator
    python -m grading.platforms [ASSIGNMENT …]               in a terminal of its formgrader

nbgrader's own button "Release Feedback" ends with the same (courses/nbgrader.py). The hub alone
has the key that platforms know (hub_config/lti_grades.py); here is the gradebook, and no key.
"""

import argparse
import os
import sys
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import make_url

from courses.nbgrader import instructor_config
from exchange.client import ExchangeClient, ExchangeProblem
from translation.sentences import Message
from translation.sentences import in_all as _

from .errors import GradingError
from .scores import Status, scores

SECONDS = 900  # the longest that a platform may take over a class

NO_GRADEBOOK = Message("No hay libro de notas en {place}.")
NOT_TAKEN = Message(
    "El hub no recibió las notas para la plataforma de cursos ({why}). No se perdió nada: la "
    "próxima vez se envían."
)
SENT = Message("Plataforma de cursos: notas enviadas: {sent}; las que ya tenía: {unchanged}.")
UNKNOWN = Message("Estas cuentas no vienen de una plataforma de cursos: {names}.")
NO_PLACE = Message(
    "En la plataforma de cursos no hay dónde poner las notas de {names}: abre una vez, desde allí, "
    "un enlace que lleve calificación."
)
FAILED = Message(
    "Notas que no se pudieron enviar: {count} ({why}). La próxima vez se intenta de nuevo."
)


def final(
    directory: CourseDirectory, exchange: ExchangeClient, assignments: Collection[str] = ()
) -> list[dict]:
    """Return the points that students have read already, as hub_config.lti_grades takes them.

    Only what is graded to the end and has feedback in the exchange, for the very submission that
    was graded. Raises GradingError without a gradebook, ExchangeProblem.
    """
    course, url = directory.course_id, make_url(directory.db_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise GradingError(NO_GRADEBOOK.filled(place=url.database))  # nbgrader would make one
    with Gradebook(directory.db_url, course) as gradebook:
        rows = [
            row
            for row in scores(gradebook, directory, assignments=assignments)
            if row.status is Status.GRADED and row.submitted and row.maximum > 0
        ]
    released = {listed["assignment"] for listed in exchange.assignments(course)}
    given = {
        (name, receipt["student"], _moment(datetime.fromisoformat(receipt["timestamp"])))
        for name in released & {row.assignment for row in rows}
        for receipt in exchange.submissions(course, name)
        if receipt["has_feedback"]
    }
    return [
        {
            "student": row.student.id,
            "assignment": row.assignment,
            "points": row.score,
            "maximum": row.maximum,
        }
        for row in rows
        if (row.assignment, row.student.id, _moment(row.submitted)) in given
    ]


def _moment(when: datetime) -> datetime:
    """Return a time in whole seconds of UTC; one without a zone is nbgrader's, and UTC."""
    moment = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    return moment.replace(microsecond=0)


def send(
    directory: CourseDirectory,
    exchange: ExchangeClient,
    url: str,
    assignments: Collection[str] = (),
) -> dict:
    """Hand all that is `final` to the hub, and return its report (hub_config/lti_grades.py).

    `url` is the hub's, up to the course. Raises GradingError, ExchangeProblem.
    """
    grades = final(directory, exchange, assignments)
    try:
        # The exchange's connection: its token is the formgrader's, and it trusts the same.
        answer = exchange.http.post(url + directory.course_id, json=grades, timeout=SECONDS)
        answer.raise_for_status()
        return answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise GradingError(NOT_TAKEN.filled(why=str(error).splitlines()[0])) from error


def in_words(report: dict) -> Iterator[Message]:
    """Yield what became of the grades, for people."""
    yield SENT.filled(sent=report["sent"], unchanged=report["unchanged"])
    if report["unknown"]:
        yield UNKNOWN.filled(names=", ".join(report["unknown"]))
    if report["no_place"]:
        yield NO_PLACE.filled(names=", ".join(report["no_place"]))
    if report["failed"]:
        why = ", ".join(sorted({failed["problem"] for failed in report["failed"]}))
        yield FAILED.filled(count=len(report["failed"]), why=why)


def after_feedback(release) -> None:
    """Send an assignment's grades when its feedback was given; never fails that.

    `release` is an exchange.plugins.ServiceReleaseFeedback.
    """
    try:
        report = send(
            release.coursedir, release.client, os.environ["MINGA_GRADES_URL"], {release.assignment}
        )
    except GradingError as error:
        release.log.error(error.message.said_in(release.language))
    except ExchangeProblem as error:
        release.log.error(error)
    else:
        sent, *problems = in_words(report)
        release.log.info(sent.said_in(release.language))
        for text in problems:
            release.log.warning(text.said_in(release.language))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status: 1 if a grade was not sent."""
    parser = argparse.ArgumentParser(prog="python -m grading.platforms", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("assignments", nargs="*", metavar="ASSIGNMENT", help=_("solo estas tareas"))
    options = parser.parse_args(arguments)
    needed = "MINGA_COURSE MINGA_COURSE_ROOT MINGA_EXCHANGE_URL MINGA_GRADES_URL".split()
    missing = [name for name in needed if not os.environ.get(name)]
    if missing:
        what = _(
            "Esto corre en el formgrader de un curso: falta {names}.", names=", ".join(missing)
        )
        print(what, file=sys.stderr)
        return 2
    course, root, exchange_url, url = (os.environ[name] for name in needed)
    directory = CourseDirectory(config=instructor_config(course, root, exchange_url))
    token = os.environ.get("JUPYTERHUB_API_TOKEN", "")
    try:
        with ExchangeClient(exchange_url, token) as exchange:
            report = send(directory, exchange, url, set(options.assignments))
    except (GradingError, ExchangeProblem) as error:
        print(error, file=sys.stderr)
        return 1
    for text in in_words(report):
        print(text.in_all())
    return int(bool(report["failed"]))


if __name__ == "__main__":
    sys.exit(main())

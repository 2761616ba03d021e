"""How nbgrader is configured, for a student's session and for a course's formgrader.

`courses/jupyter/nbgrader_config.py` calls `configure` with the environment of the process, so
that nbgrader's own programs, the JupyterLab extensions and formgrader all work unchanged.
"""

from collections.abc import Mapping
from pathlib import Path

from traitlets.config import Config

from translation.nbgrader_stubs import CODE_STUB, TEXT_STUB

from . import SOURCE_LANGUAGE

CELL_SECONDS = 60  # longest run of one cell when grading


def configure(c: Config, environment: Mapping[str, str]) -> None:
    """Fill `c` from MINGA_* and JUPYTERHUB_* variables.

    A process with MINGA_COURSE_ROOT is a course's formgrader (or its `nbgrader` commands);
    one without is a student's session.
    """
    exchange = environment.get("MINGA_EXCHANGE")
    if not exchange:
        return  # a Jupyter outside of Minga: nbgrader as its makers configured it
    shared = environment.get("MINGA_SHARED_ACCOUNT") == "1"
    if environment.get("MINGA_COURSE_ROOT"):
        merged = instructor_config(
            environment["MINGA_COURSE"],
            environment["MINGA_COURSE_ROOT"],
            exchange,
            shared_account=shared,
        )
    else:
        merged = student_config(
            environment["JUPYTERHUB_USER"],
            exchange,
            course=environment.get("MINGA_COURSE", ""),
            language=environment.get("MINGA_LANGUAGE") or SOURCE_LANGUAGE,
        )
    c.merge(merged)
    _trust_the_hub(environment)


def _trust_the_hub(environment: Mapping[str, str]) -> None:
    """Let nbgrader's questions to the hub show this server's certificate (internal TLS).

    nbgrader's JupyterHubAuthPlugin calls `requests.request` and has no setting for it.
    """
    if environment.get("JUPYTERHUB_SSL_CERTFILE"):
        import requests
        from nbgrader.auth import jupyterhub

        session = requests.Session()
        session.trust_env = False
        session.verify = environment["JUPYTERHUB_SSL_CLIENT_CA"]
        session.cert = (
            environment["JUPYTERHUB_SSL_CERTFILE"],
            environment["JUPYTERHUB_SSL_KEYFILE"],
        )
        jupyterhub.requests = session


def student_config(
    student: str, exchange_root: str | Path, course: str = "", language: str = SOURCE_LANGUAGE
) -> Config:
    """Return what a student's session needs to fetch, submit and read feedback.

    `course` limits the assignment list to one course; empty shows all of the student's.
    """
    c = _common(exchange_root)
    # Otherwise nbgrader takes the Unix account's name, which all share on a try-out machine.
    c.CourseDirectory.student_id = student
    c.CourseDirectory.course_id = course
    c.Authenticator.plugin_class = "nbgrader.auth.JupyterHubAuthPlugin"
    c.FetchAssignmentInLanguage.language = language
    return c


def instructor_config(
    course: str,
    course_root: str | Path,
    exchange_root: str | Path,
    shared_account: bool = False,
) -> Config:
    """Return what a course's formgrader needs to release, collect, grade and give feedback.

    With `shared_account` a submission's owner proves nothing and is not compared.
    """
    c = _common(exchange_root)
    c.CourseDirectory.course_id = course
    c.CourseDirectory.root = str(course_root)
    # The hub lets nobody but the course's instructors open its formgrader, and the deployment
    # says who its students are: the formgrader itself needs no rights on the hub.
    c.Authenticator.plugin_class = "nbgrader.auth.NoAuthPlugin"
    c.ExchangeCollect.check_owner = not shared_account
    c.ExchangeFactory.release_assignment = "exchange.languages.ReleaseAssignmentInLanguages"
    c.ExchangeReleaseAssignment.force = True  # what is released is replaced, never what is fetched
    c.Autograde.sanitize_preprocessors = [
        "nbgrader.preprocessors.ClearOutput",
        "nbgrader.preprocessors.DeduplicateIds",
        "nbgrader.preprocessors.OverwriteKernelspec",
        "courses.preprocessors.RestoreUntouched",
        "nbgrader.preprocessors.OverwriteCells",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    c.Autograde.autograde_preprocessors = [
        "grading.execute.SandboxedExecute",
        "nbgrader.preprocessors.IgnorePattern",
        "nbconvert.preprocessors.ClearMetadataPreprocessor",
        "nbgrader.preprocessors.LimitOutput",
        "nbgrader.preprocessors.SaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    c.GenerateFeedback.preprocessors = [
        "courses.preprocessors.TranslateFeedback",
        "nbgrader.preprocessors.GetGrades",
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    ]
    c.TranslateFeedback.course = course
    return c


def _common(exchange_root: str | Path) -> Config:
    c = Config()
    c.Exchange.root = str(exchange_root)
    # Two courses may have an assignment of the same name.
    c.Exchange.path_includes_course = True
    c.ExchangeFactory.fetch_assignment = "exchange.languages.FetchAssignmentInLanguage"
    c.ClearSolutions.code_stub = {"python": CODE_STUB}
    c.ClearSolutions.text_stub = TEXT_STUB
    c.Execute.timeout = CELL_SECONDS
    return c

"""How nbgrader is configured, for a student's session and for a course's formgrader.

`courses/jupyter/nbgrader_config.py` calls `configure` with the environment of the process, so
that nbgrader's own programs, the JupyterLab extensions and formgrader all work unchanged.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from traitlets.config import Config

from translation.nbgrader_stubs import CODE_STUB, TEXT_STUB

from . import SOURCE_LANGUAGE, gradebook

ROOT = Path(__file__).resolve().parent.parent
FEEDBACK_TEMPLATES = [  # ours, and nbgrader's that it extends
    ROOT / "grading" / "templates",
    Path(find_spec("nbgrader").origin).parent / "server_extensions" / "formgrader" / "templates",
]
CELL_SECONDS = 60  # longest run of one cell when grading
# By name: a session starts without importing them.
EXCHANGE = {
    "exchange": "ServiceExchange",
    "release_assignment": "ServiceReleaseAssignment",
    "fetch_assignment": "ServiceFetchAssignment",
    "submit": "ServiceSubmit",
    "collect": "ServiceCollect",
    "list": "ServiceList",
    "release_feedback": "ServiceReleaseFeedback",
    "fetch_feedback": "ServiceFetchFeedback",
}


def configure(c: Config, environment: Mapping[str, str]) -> None:
    """Fill `c` from MINGA_* and JUPYTERHUB_* variables.

    A process with MINGA_COURSE_ROOT is a course's formgrader (or its `nbgrader` commands);
    one without is a student's session.
    """
    exchange_url = environment.get("MINGA_EXCHANGE_URL", "")
    if not exchange_url and not environment.get("MINGA_COURSE_ROOT"):
        return  # a Jupyter outside of Minga: nbgrader as its makers configured it
    language = environment.get("MINGA_LANGUAGE") or SOURCE_LANGUAGE
    if environment.get("MINGA_COURSE_ROOT"):
        merged = instructor_config(
            environment["MINGA_COURSE"], environment["MINGA_COURSE_ROOT"], exchange_url, language
        )
        if environment.get("MINGA_GRADES_URL"):  # a learning platform shall know them too
            merged.ServiceReleaseFeedback.then = "grading.platforms.after_feedback"
    else:
        merged = student_config(
            environment["JUPYTERHUB_USER"],
            exchange_url,
            course=environment.get("MINGA_COURSE", ""),
            language=language,
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
    student: str, exchange_url: str, course: str = "", language: str = SOURCE_LANGUAGE
) -> Config:
    """Return what a student's session needs to fetch, submit and read feedback.

    `course` limits the assignment list to one course; empty shows all of the student's.
    """
    c = _common(exchange_url, language)
    # Otherwise nbgrader takes the Unix account's name, which all share on a try-out machine.
    c.CourseDirectory.student_id = student
    c.CourseDirectory.course_id = course
    c.Authenticator.plugin_class = "nbgrader.auth.JupyterHubAuthPlugin"
    # The assignment list shows the text of any error but an exchange's.
    c.ServiceList.show_words = True
    return c


def instructor_config(
    course: str,
    course_root: str | Path,
    exchange_url: str = "",
    language: str = SOURCE_LANGUAGE,
) -> Config:
    """Return what a course's formgrader needs to release, collect, grade and give feedback.

    Without `exchange_url` it can grade what is in `course_root`, and nothing else.
    """
    c = _common(exchange_url, language)
    c.CourseDirectory.course_id = course
    c.CourseDirectory.root = str(course_root)
    c.CourseDirectory.db_url = gradebook.address(course_root)
    # The hub lets nobody but the course's instructors open its formgrader, and the deployment
    # says who its students are: the formgrader itself needs no rights on the hub.
    c.Authenticator.plugin_class = "nbgrader.auth.NoAuthPlugin"
    c.ExchangeReleaseAssignment.force = True  # what is released is replaced, never what is fetched
    c.Autograde.exporter_class = "grading.exporter.GradingExporter"
    c.Autograde.sanitize_preprocessors = [
        "grading.links.RefuseLinks",
        "nbgrader.preprocessors.ClearOutput",
        "nbgrader.preprocessors.DeduplicateIds",
        "nbgrader.preprocessors.OverwriteKernelspec",
        "courses.preprocessors.RestoreUntouched",
        "grading.lookups.OverwriteCellsAtOnce",
        "grading.metadata.CheckMetadata",
    ]
    c.Autograde.autograde_preprocessors = [
        "grading.execute.SandboxedExecute",
        "nbgrader.preprocessors.IgnorePattern",
        "nbconvert.preprocessors.ClearMetadataPreprocessor",
        "nbgrader.preprocessors.LimitOutput",
        "grading.flags.SaveGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
        "grading.metadata.CheckMetadata",
    ]
    c.GenerateFeedback.preprocessors = [
        "grading.hidden.HideTests",
        "courses.preprocessors.TranslateFeedback",
        "nbgrader.preprocessors.GetGrades",
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    ]
    c.TranslateFeedback.course = course
    c.GenerateFeedback.exporter_class = "grading.pages.FeedbackExporter"
    c.FeedbackExporter.template_name = "minga_feedback"
    c.FeedbackExporter.template_file = "feedback.html.j2"
    c.FeedbackExporter.extra_template_basedirs = [str(folder) for folder in FEEDBACK_TEMPLATES]
    return c


def _common(exchange_url: str, language: str) -> Config:
    c = Config()
    for kind, plugin in EXCHANGE.items():
        c.ExchangeFactory[kind] = f"exchange.plugins.{plugin}"
    c.ServiceExchange.url = exchange_url
    c.ServiceExchange.language = language
    # Two courses may have an assignment of the same name.
    c.ServiceExchange.path_includes_course = True
    c.ClearSolutions.code_stub = {"python": CODE_STUB}
    c.ClearSolutions.text_stub = TEXT_STUB
    c.Execute.timeout = CELL_SECONDS
    return c

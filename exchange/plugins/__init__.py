"""nbgrader's exchange over HTTPS: a class for each of nbgrader.exchange.abc.

With them in `c.ExchangeFactory`, nbgrader's commands, formgrader and JupyterLab's assignment list
work as ever, and people need no folder in common. `configured` sets them all.
"""

from traitlets.config import Config

from .base import ServiceExchange
from .collect import ServiceCollect
from .feedback import ServiceFetchFeedback, ServiceReleaseFeedback
from .fetch import ServiceFetchAssignment
from .listing import ServiceList
from .release import ServiceReleaseAssignment
from .submit import ServiceSubmit

__all__ = [
    "ServiceCollect",
    "ServiceExchange",
    "ServiceFetchAssignment",
    "ServiceFetchFeedback",
    "ServiceList",
    "ServiceReleaseAssignment",
    "ServiceReleaseFeedback",
    "ServiceSubmit",
    "configured",
]


def configured(url: str, language: str) -> Config:
    """Return the part of nbgrader's configuration that makes this its exchange.

    `url` is the service's prefix; `language` is the one that its person reads.
    """
    c = Config()
    for name, plugin in {
        "exchange": ServiceExchange,
        "release_assignment": ServiceReleaseAssignment,
        "fetch_assignment": ServiceFetchAssignment,
        "submit": ServiceSubmit,
        "collect": ServiceCollect,
        "list": ServiceList,
        "release_feedback": ServiceReleaseFeedback,
        "fetch_feedback": ServiceFetchFeedback,
    }.items():
        c.ExchangeFactory[name] = f"exchange.plugins.{plugin.__name__}"
    c.ServiceExchange.url = url
    c.ServiceExchange.language = language
    # Two courses may have an assignment of the same name.
    c.ServiceExchange.path_includes_course = True
    return c

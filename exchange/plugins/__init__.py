"""nbgrader's exchange over HTTPS: a class for each of nbgrader.exchange.abc.

With them in `c.ExchangeFactory`, nbgrader's commands, formgrader and JupyterLab's assignment list
work as ever, and people need no folder in common. courses/nbgrader.py sets them all.
"""

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
]

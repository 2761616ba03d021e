"""Who is asking: the hub's answer about a token, and what follows from it."""

import re
from dataclasses import dataclass

from fastapi import Request
from jupyterhub.services.auth import HubAuth
from tornado.web import HTTPError

from .problems import Problem
from .settings import Settings

STUDENTS, INSTRUCTORS = "nbgrader-", "formgrade-"
HEADER = re.compile(r"(?:token|bearer) +([\x21-\x7e]{1,500})", re.IGNORECASE)


@dataclass(frozen=True)
class Person:
    """Somebody with a token: a user, or a service as a course's formgrader is one."""

    name: str
    groups: frozenset[str]
    service: bool

    def studies(self, course: str) -> bool:
        """Tell whether this is a student of the course."""
        return not self.service and STUDENTS + course in self.groups

    def teaches(self, course: str) -> bool:
        """Tell whether this is an instructor of the course, or its formgrader."""
        return self.name == course if self.service else INSTRUCTORS + course in self.groups

    def belongs(self, course: str) -> bool:
        """Tell whether this is a student or an instructor of the course."""
        return self.studies(course) or self.teaches(course)


class Identity:
    """Asks the hub whose a token is; believes the answer for some seconds."""

    def __init__(self, settings: Settings):
        self.scope = settings.access_scope
        self.hub = HubAuth(
            api_url=settings.api_url,
            api_token=settings.api_token,
            keyfile=settings.keyfile,
            certfile=settings.certfile,
            client_ca=settings.client_ca,
            cache_max_age=settings.cache_seconds,
        )

    async def person(self, request: Request) -> Person:
        """Return who sent the request; raises Problem.

        Only the header counts: a browser sends cookies along from any page, this header from none.
        """
        found = HEADER.fullmatch(request.headers.get("authorization", "").strip())
        if not found:
            raise Problem("not_identified")
        try:
            # JupyterHub's client is asynchronous; its answer is kept by the token's hash.
            model = await self.hub.user_for_token(found.group(1), sync=False)
        except (HTTPError, ValueError) as error:
            raise Problem("hub_unreachable") from error
        if model is None:
            raise Problem("not_identified")
        if not self.hub.check_scopes({self.scope}, model):
            raise Problem("no_access")
        return Person(
            name=model["name"],
            groups=frozenset(model.get("groups") or ()),
            service=model.get("kind") == "service",
        )

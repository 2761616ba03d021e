"""What people of institutions have in common, whichever way they come: groups, and refusals."""

from jupyterhub import orm
from jupyterhub.auth import Authenticator
from jupyterhub.utils import maybe_future
from sqlalchemy.orm import object_session
from tornado import web
from traitlets import Any

from spawners.messages import Message

from .authorization import INSTITUTIONS, courses_of
from .institutions import Institutional

NO_ACCESS = Message("Tu cuenta todavía no tiene acceso")
NOT_DONE = Message("No pudimos completar tu ingreso")
NO_CLAIM = Message(
    "Tu institución no envió el dato «{claim}», que Minga necesita para saber quién eres. "
    "Muestra este mensaje a {contact}."
)
NOT_ENROLLED = Message(
    "Tu cuenta «{username}» no está inscrita en ningún curso. "
    "Pide a tu docente que la inscriba, o escribe a {contact}."
)


class Refused(web.HTTPError):
    """A login that ends here; `text` and `heading` are what the person reads."""

    def __init__(self, text: Message, status_code: int = 403):
        super().__init__(status_code, text.render())
        self.text = text
        self.heading = NO_ACCESS if status_code == 403 else NOT_DONE


class OfInstitutions(Authenticator):
    """Lets people of courses in, and puts them into the group of their institution."""

    deployment = Any(help="the Deployment").tag(config=True)

    @property
    def settings(self) -> Institutional:
        """The deployment's `authentication`."""
        return self.deployment.authentication

    async def check_allowed(self, username, auth_model):
        """Return True for people of the courses and admins; raises Refused for all others."""
        if await maybe_future(super().check_allowed(username, auth_model)):
            return True
        raise Refused(NOT_ENROLLED.filled(username=username, contact=self.settings.contact))

    def add_user(self, user):
        """Put a person into the group of their institution, and out of courses closed to it.

        The hub calls this for everybody at its start, and for each new person.
        """
        super().add_user(user)
        account = getattr(user, "orm_user", user)
        institution = self.settings.institution_of(account.name)
        if not institution:
            return
        session, name = object_session(account), INSTITUTIONS + institution
        group = orm.Group.find(session, name)
        if group is None:
            group = orm.Group(name=name)
            session.add(group)
        if group not in account.groups:
            account.groups.append(group)
        for taken in list(account.groups):
            for course in courses_of([taken.name]) & set(self.deployment.courses):
                allowed = self.deployment.courses[course].institutions
                if allowed and institution not in allowed:
                    self.log.warning("%s leaves %s: not for %s", account.name, taken.name, name)
                    account.groups.remove(taken)
        session.commit()

"""Login through an OpenID provider: who it is, of which institution, and what they read if refused.

oauthenticator does the flow (state, PKCE, tokens). Here is what is ours: claims become a login
name, a group `institution-<name>` and the hub's `user_info`. Tokens are used once and not kept.
"""

import re
import time
from dataclasses import asdict, dataclass

from jupyterhub import orm
from oauthenticator.generic import GenericOAuthenticator
from oauthenticator.oauth2 import OAuthCallbackHandler, OAuthLoginHandler
from sqlalchemy.orm import object_session
from tornado import web
from tornado.httpclient import HTTPClientError
from traitlets import Any

from spawners.messages import Message

from .authorization import INSTITUTIONS, courses_of
from .deployment import Deployment
from .institutions import CALLBACK, Oidc
from .openid_provider import configuration_url
from .pages.languages import language_of
from .state import State

# eduPersonAffiliation's words, the most telling first: who studies and teaches counts as a student.
ROLES = ("student", "faculty", "staff", "employee", "affiliate", "alum", "member")
BELIEVED = 5  # seconds that the provider is taken to answer after it did

NO_ACCESS = Message("Tu cuenta todavía no tiene acceso")
NOT_DONE = Message("No pudimos completar tu ingreso")
NO_CLAIM = Message(
    "Tu institución no envió el dato «{claim}», que Minga necesita para saber quién eres. "
    "Muestra este mensaje a {contact}."
)
NO_INSTITUTION = Message(
    "Tu institución ({institution}) no está entre las que usan esta plataforma. "
    "Si debería estar, escribe a {contact}."
)
TWO_INSTITUTIONS = Message(
    "Tu cuenta pertenece a varias instituciones ({institution}) y no sabemos con cuál ingresas. "
    "Escribe a {contact}."
)
NOT_ENROLLED = Message(
    "Tu cuenta «{username}» no está inscrita en ningún curso. "
    "Pide a tu docente que la inscriba, o escribe a {contact}."
)
SILENT = Message(
    "El servicio con el que ingresan las instituciones no responde. "
    "Prueba otra vez en unos minutos; si se repite, avisa a {contact}."
)
FAILED = Message(
    "El ingreso con tu institución no se completó. "
    "Prueba otra vez; si se repite, avisa a {contact}."
)


class Refused(web.HTTPError):
    """A login that ends here; `text` and `heading` are what the person reads."""

    def __init__(self, text: Message, status_code: int = 403):
        super().__init__(status_code, text.render())
        self.text = text
        self.heading = NO_ACCESS if status_code == 403 else NOT_DONE


@dataclass(frozen=True)
class Person:
    """What the provider says of somebody, in our words."""

    username: str
    institution: str
    country: str
    role: str


def person(settings: Oidc, said: dict) -> Person:
    """Return who it is that the provider describes with the claims `said`; raises Refused."""
    names = settings.claims
    identity, institution = _values(said, names.identity), _values(said, names.institution)
    for claim, values in {names.identity: identity, names.institution: institution}.items():
        if not values:
            raise Refused(NO_CLAIM.filled(claim=claim, contact=settings.contact))
    known = {
        name
        for name, described in settings.institutions.items()
        if set(described.values) & set(institution)
    }
    if len(identity) > 1:
        raise Refused(NO_CLAIM.filled(claim=names.identity, contact=settings.contact))
    if len(known) != 1:
        text = TWO_INSTITUTIONS if known else NO_INSTITUTION
        shown = _on_one_line(", ".join(institution))
        raise Refused(text.filled(institution=shown, contact=settings.contact))
    (name,) = known
    return Person(
        username=settings.login_name_of(name, identity[0]),
        institution=name,
        country=_country(_values(said, names.country)) or settings.institutions[name].country,
        role=_role(_values(said, names.role)),
    )


def _values(said: dict, claim: str) -> list[str]:
    """Return the values of a claim, which may be a text or a list; nothing if it is neither."""
    found = said.get(claim) if claim else None
    listed = found if isinstance(found, list) else [found]
    return [value for value in listed if isinstance(value, str) and value.strip()]


def _country(values: list[str]) -> str:
    """Return the only country that is said, or ""."""
    country = values[0].upper() if len(values) == 1 else ""
    return country if re.fullmatch("[A-Z]{2}", country) else ""


def _role(values: list[str]) -> str:
    """Return the most telling affiliation (`member@uchile.cl;student@…`: student), or ""."""
    listed = [one for value in values for one in re.split(r"[;,\s]+", value)]
    said = {one.split("@")[0].lower() for one in listed}
    return next((role for role in ROLES if role in said), "")


def _on_one_line(text: str) -> str:
    """Return what somebody else wrote, fit for a sentence and a log line."""
    return "".join(c if c.isprintable() else " " for c in text)[:100]


class LoginHandler(OAuthLoginHandler):
    """`GET /hub/oauth_login`: on to the provider, in the person's language, if it answers."""

    async def get(self):
        """Redirect to the provider; 503 with a sentence if it does not answer."""
        await self.authenticator.check_provider()
        super().get()

    def authorize_redirect(self, *args, extra_params=None, **named):
        """Tell the provider which language its own pages should have, where it knows it."""
        extra_params = {**(extra_params or {}), "ui_locales": language_of(self.request)}
        super().authorize_redirect(*args, extra_params=extra_params, **named)


class CallbackHandler(OAuthCallbackHandler):
    """`GET /hub/oauth_callback`: back from the provider."""

    def _request_summary(self):
        """Return what tornado logs of a refused request: without the provider's code."""
        return f"{self.request.method} {self.request.path} ({self.request.remote_ip})"


class InstitutionalAuthenticator(GenericOAuthenticator):
    """oauthenticator's generic class, with our names, groups and sentences."""

    login_handler = LoginHandler
    callback_handler = CallbackHandler
    deployment = Any(help="the Deployment").tag(config=True)
    _answered = float("-inf")  # when the provider last did

    @property
    def settings(self) -> Oidc:
        """The deployment's `authentication`."""
        return self.deployment.authentication

    def user_info_to_username(self, user_info):
        """Return the login name of whom the provider describes; raises Refused."""
        return person(self.settings, user_info).username

    async def update_auth_model(self, auth_model):
        """Keep institution, country and role, which the hub's API shows as `user_info`."""
        auth_model = await super().update_auth_model(auth_model)
        who = asdict(person(self.settings, auth_model["auth_state"][self.user_auth_state_key]))
        del who["username"]
        return auth_model | {"user_info": who}

    async def check_allowed(self, username, auth_model):
        """Return True for people of the courses and admins; raises Refused for all others."""
        if await super().check_allowed(username, auth_model):
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

    async def check_provider(self):
        """Raise Refused if the provider does not answer; asked every few seconds at most."""
        if time.monotonic() - self._answered > BELIEVED:
            await self.httpfetch(
                configuration_url(self.settings), "Asking the provider", request_timeout=10
            )
            self._answered = time.monotonic()

    async def fetch(self, req, label="fetching", parse_json=True, **named):
        """Ask the provider; what goes wrong there is a sentence for the person who logs in."""
        try:
            return await super().fetch(req, label=label, parse_json=parse_json, **named)
        except HTTPClientError as error:  # oauthenticator logged it; 599: no answer in time
            text = SILENT if error.code >= 500 else FAILED
            raise Refused(text.filled(contact=self.settings.contact), 503) from error
        except (OSError, ValueError) as error:
            self.log.error("%s: %s does not answer: %s", label, self.settings.issuer, error)
            raise Refused(SILENT.filled(contact=self.settings.contact), 503) from error


def configure(c, deployment: Deployment, state: State) -> None:
    """Tell the hub how people of institutions log in."""
    settings = deployment.authentication
    endpoints = state.read("openid")  # written by the launcher
    public = deployment.hub.url.rstrip("/")
    own = (public or f"http://{deployment.hub.address}:{deployment.port}") + CALLBACK
    c.JupyterHub.authenticator_class = InstitutionalAuthenticator
    ours = c.InstitutionalAuthenticator
    ours.deployment = deployment
    ours.client_id = settings.client_id
    ours.client_secret = settings.secret()
    ours.oauth_callback_url = settings.callback_url or own
    ours.scope = settings.scopes
    ours.authorize_url = endpoints["authorize_url"]
    ours.token_url = endpoints["token_url"]
    ours.userdata_url = endpoints["userdata_url"]
    ours.basic_auth = endpoints["basic_auth"]
    ours.login_service = "institution"  # our login page has the words
    ours.enable_auth_state = False  # no token is kept
    # Also those whom an administrator put into a course.
    ours.allow_existing_users = True

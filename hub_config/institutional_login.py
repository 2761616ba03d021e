"""Login through an OpenID provider: who it is, of which institution, and what they read if refused.

oauthenticator does the flow (state, PKCE, tokens). Here is what is ours: claims become a login
name, a group `institution-<name>` and the hub's `user_info`. Tokens are used once and not kept.
"""

import re
import time
from dataclasses import asdict, dataclass

from oauthenticator.generic import GenericOAuthenticator
from oauthenticator.oauth2 import OAuthCallbackHandler, OAuthLoginHandler
from tornado.httpclient import HTTPClientError

from spawners.messages import Message

from .deployment import Deployment
from .institutions import CALLBACK, Oidc
from .members import NO_CLAIM, OfInstitutions, Refused
from .openid_provider import configuration_url
from .pages.languages import language_of
from .state import State

# eduPersonAffiliation's words, the most telling first: who studies and teaches counts as a student.
ROLES = ("student", "faculty", "staff", "employee", "affiliate", "alum", "member")
BELIEVED = 5  # seconds that the provider is taken to answer after it did

NO_INSTITUTION = Message(
    "Tu institución ({institution}) no está entre las que usan esta plataforma. "
    "Si debería estar, escribe a {contact}."
)
TWO_INSTITUTIONS = Message(
    "Tu cuenta pertenece a varias instituciones ({institution}) y no sabemos con cuál ingresas. "
    "Escribe a {contact}."
)
SILENT = Message(
    "El servicio con el que ingresan las instituciones no responde. "
    "Prueba otra vez en unos minutos; si se repite, avisa a {contact}."
)
FAILED = Message(
    "El ingreso con tu institución no se completó. "
    "Prueba otra vez; si se repite, avisa a {contact}."
)


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


class InstitutionalAuthenticator(OfInstitutions, GenericOAuthenticator):
    """oauthenticator's generic class, with our names, groups and sentences."""

    login_handler = LoginHandler
    callback_handler = CallbackHandler
    _answered = float("-inf")  # when the provider last did

    def user_info_to_username(self, user_info):
        """Return the login name of whom the provider describes; raises Refused."""
        return person(self.settings, user_info).username

    async def update_auth_model(self, auth_model):
        """Keep institution, country and role, which the hub's API shows as `user_info`."""
        auth_model = await super().update_auth_model(auth_model)
        who = asdict(person(self.settings, auth_model["auth_state"][self.user_auth_state_key]))
        del who["username"]
        return auth_model | {"user_info": who}

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
    c.JupyterHub.authenticator_class = InstitutionalAuthenticator
    ours = c.InstitutionalAuthenticator
    ours.deployment = deployment
    ours.client_id = settings.client_id
    ours.client_secret = settings.secret()
    ours.oauth_callback_url = settings.callback_url or deployment.url + CALLBACK
    ours.scope = settings.scopes
    ours.authorize_url = endpoints["authorize_url"]
    ours.token_url = endpoints["token_url"]
    ours.userdata_url = endpoints["userdata_url"]
    ours.basic_auth = endpoints["basic_auth"]
    ours.login_service = "institution"  # our login page has the words
    ours.enable_auth_state = False  # no token is kept
    # Also those whom an administrator put into a course.
    ours.allow_existing_users = True

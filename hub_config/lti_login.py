"""Login by a link in a learning platform (LTI 1.3): who may come in, and where they land.

ltiauthenticator has the flow for one platform and knows which claims the standard asks for. Here
is what is ours: several platforms, keys that are fetched beside the hub's loop, a token that
counts once, groups from roles and rosters, and a sentence for whoever is refused.
"""

import asyncio
import hmac
import secrets
import time
from pathlib import Path

import jwt
from jupyterhub import orm
from jupyterhub.handlers import BaseHandler
from ltiauthenticator.lti13.auth import LTI13Authenticator
from ltiauthenticator.lti13.error import TokenError, ValidationError
from ltiauthenticator.lti13.handlers import LTI13CallbackHandler, LTI13LoginInitHandler
from ltiauthenticator.lti13.validator import LTI13LaunchValidator
from sqlalchemy.orm import object_session
from tornado import web
from tornado.httputil import url_concat
from traitlets import Unicode

from courses.models import load_course
from spawners.messages import Message

from . import databases
from .authorization import INSTRUCTORS, STUDENTS
from .deployment import Deployment
from .lti_grades import GradesHandler, Sender
from .lti_launch import (
    CLAIM,
    INSTRUCTOR,
    STUDENT,
    Launch,
    active,
    on_one_line,
    read,
    start_page,
)
from .lti_platforms import GRADES, KEYS, LAUNCH, LOGIN
from .lti_records import Records
from .lti_services import Key, Service, ServiceError
from .members import OfInstitutions, Refused
from .pages.languages import language_of
from .state import State

COOKIE = "minga-lti-state"  # state and nonce of the login that this browser began
LEEWAY = 60  # seconds that two clocks may differ
REMEMBERED = 900  # seconds that a used token is known; ltiauthenticator takes none older than 600

UNKNOWN_PLATFORM = Message(
    "La plataforma de cursos desde la que vienes ({issuer}) no está registrada en Minga. "
    "Muestra este mensaje a {contact}."
)
USED_UP = Message(
    "Este ingreso venció o ya se usó. Vuelve a tu plataforma de cursos y abre el enlace otra vez."
)
SIGNATURE = Message(
    "La firma de este ingreso no es la de tu plataforma de cursos, así que no vale. "
    "Abre el enlace otra vez desde allí; si se repite, muestra este mensaje a {contact}."
)
AUDIENCE = Message(
    "Tu plataforma de cursos envió un ingreso que no es para Minga (client_id). "
    "Muestra este mensaje a {contact}."
)
BROKEN = Message(
    "A este ingreso le falta algo que LTI 1.3 pide. "
    "Abre el enlace otra vez desde tu plataforma de cursos; si se repite, muestra este mensaje a "
    "{contact}."
)
SILENT = Message(
    "Tu plataforma de cursos no responde, y sin ella no sabemos si este ingreso es suyo. "
    "Prueba otra vez en unos minutos; si se repite, avisa a {contact}."
)


class LoginHandler(LTI13LoginInitHandler):
    """`/hub/lti13/oauth_login`: a platform says that somebody comes; back to it for their token."""

    def post(self):
        """Redirect to the platform with a state and a nonce that only this browser has."""
        issuer, hint = self.get_argument("iss"), self.get_argument("login_hint")
        given = self.get_argument("client_id", "")
        settings = self.authenticator.settings
        clients = settings.clients(issuer, [given] if given else None)
        if len(clients) != 1:
            known = settings.clients(issuer)
            words = {"issuer": on_one_line(issuer), "contact": settings.contact}
            raise Refused((AUDIENCE if known else UNKNOWN_PLATFORM).filled(**words), 400)
        ((platform, client_id),) = clients
        state, nonce = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        # The platform's form is another site's: the cookie has to come back with it.
        secure = self.authenticator.deployment.url.startswith("https:")
        how = {"samesite": "None", "secure": True} if secure else {}
        self._set_cookie(COOKIE, f"{state}.{nonce}", httponly=True, expires_days=1, **how)
        query = {
            "scope": "openid",
            "response_type": "id_token",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": client_id,
            "redirect_uri": self.authenticator.deployment.url + LAUNCH,
            "login_hint": hint,
            "state": state,
            "nonce": nonce,
        }
        if message := self.get_argument("lti_message_hint", ""):
            query["lti_message_hint"] = message
        self.redirect(url_concat(settings.platforms[platform].authorize_url, query))

    get = post


class LaunchHandler(LTI13CallbackHandler):
    """`POST /hub/lti13/oauth_callback`: back from the platform, with a token."""

    async def post(self):
        """Log the person in and go on to their course; raises Refused."""
        ours = self.authenticator
        kept = (self.get_secure_cookie(COOKIE) or b"").decode()
        self.clear_cookie(COOKIE)
        state, _, nonce = kept.partition(".")
        if not state or not same(state, self.get_argument("state", "")):
            raise Refused(USED_UP, 400)
        launch = await ours.launch(self.get_argument("id_token", ""), nonce)
        user = await self.login_user({"launch": launch})
        if user is None:
            raise web.HTTPError(403)
        ours.enrol(user.orm_user, launch.course, launch.role)
        await asyncio.to_thread(ours.records.note, launch)
        if launch.roster and launch.role == INSTRUCTOR:
            # The loop keeps no strong reference to a task.
            task = asyncio.create_task(ours.read_roster(self, launch))
            ours.tasks.add(task)
            task.add_done_callback(ours.tasks.discard)
        self.redirect(start_page(launch, language_of(self.request)), status=303)


class KeysHandler(BaseHandler):
    """`GET /hub/lti13/jwks`: the public half of the hub's key, for platforms."""

    def get(self):
        """Answer with a JSON Web Key Set."""
        self.finish({"keys": [self.authenticator.key.public]})


class LtiAuthenticator(OfInstitutions, LTI13Authenticator):
    """ltiauthenticator's class, for several platforms, with our names, groups and sentences."""

    login_service = "lti"  # our login page has the words
    database = Unicode(help="SQLAlchemy URL of the Records").tag(config=True)
    key_file = Unicode(help="the hub's own key").tag(config=True)

    def __init__(self, **named):
        super().__init__(**named)
        self.records, self.key = Records(self.database), Key(Path(self.key_file))
        language = self.deployment.languages[0]
        self.sender = Sender(self.settings, self.records, self.key, language)
        self.tasks: set[asyncio.Task] = set()
        self._used: dict[str, float] = {}  # nonce -> until when it is remembered
        self._keys = {
            name: jwt.PyJWKClient(platform.jwks_url, timeout=10)
            for name, platform in self.settings.platforms.items()
        }

    def get_handlers(self, app):
        """Return what the hub answers for platforms and formgraders."""
        handlers = {LOGIN: LoginHandler, LAUNCH: LaunchHandler, KEYS: KeysHandler}
        routes = [(path.removeprefix("/hub"), handler) for path, handler in handlers.items()]
        return [*routes, (GRADES.removeprefix("/hub") + "([a-z][a-z0-9-]*)", GradesHandler)]

    async def launch(self, token: str, nonce: str) -> Launch:
        """Return what a token says, if it is a platform's, for us, and new; raises Refused."""
        contact = self.settings.contact
        try:
            unproved = jwt.decode(token, options={"verify_signature": False})
        except jwt.PyJWTError as error:
            raise Refused(BROKEN.filled(contact=contact), 400) from error
        issuer, audience = unproved.get("iss"), unproved.get("aud")
        audience = audience if isinstance(audience, list) else [audience]
        if not self.settings.clients(issuer):
            words = {"issuer": on_one_line(str(issuer)), "contact": contact}
            raise Refused(UNKNOWN_PLATFORM.filled(**words), 400)
        clients = self.settings.clients(issuer, audience)
        if len(clients) != 1:
            raise Refused(AUDIENCE.filled(contact=contact), 400)
        ((platform, client_id),) = clients
        said = await self._believed(token, platform, client_id)
        self._use(said["nonce"], nonce)
        try:
            validator = LTI13LaunchValidator(parent=self)
            validator.validate_id_token(said)
            validator.validate_azp_claim(said, [client_id])
        except TokenError as error:
            raise Refused(USED_UP, 400) from error
        except ValidationError as error:
            self.log.warning("LTI launch from %s: %s", platform, error)
            raise Refused(BROKEN.filled(contact=contact), 400) from error
        if said[CLAIM + "message_type"] != "LtiResourceLinkRequest":
            raise Refused(BROKEN.filled(contact=contact), 400)
        return read(self.settings, platform, client_id, said, lambda c: load_course(c).released)

    async def _believed(self, token: str, platform: str, client_id: str) -> dict:
        """Return the claims of a token that the platform signed, for this client, just now."""
        contact = self.settings.contact
        try:
            # Keys are kept for some minutes; fetching them must not stop the hub.
            key = await asyncio.to_thread(self._keys[platform].get_signing_key_from_jwt, token)
            return jwt.decode(
                token,
                key.key,
                algorithms=["RS256"],
                audience=client_id,
                issuer=self.settings.platforms[platform].issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "nonce"]},
            )
        except (jwt.PyJWKClientConnectionError, ValueError) as error:  # ValueError: no JSON
            self.log.error("keys of the platform %s: %s", platform, error)
            raise Refused(SILENT.filled(contact=contact), 503) from error
        except jwt.ExpiredSignatureError as error:
            raise Refused(USED_UP, 400) from error
        except jwt.MissingRequiredClaimError as error:
            raise Refused(BROKEN.filled(contact=contact), 400) from error
        except jwt.PyJWTError as error:
            self.log.warning("LTI token of %s not accepted: %s", platform, error)
            raise Refused(SIGNATURE.filled(contact=contact), 400) from error

    def _use(self, found: object, expected: str) -> None:
        """Use up a nonce, which must be this browser's and new; raises Refused."""
        now = time.monotonic()
        self._used = {nonce: end for nonce, end in self._used.items() if end > now}
        if not isinstance(found, str) or not same(found, expected) or found in self._used:
            raise Refused(USED_UP, 400)
        self._used[found] = now + REMEMBERED

    async def authenticate(self, handler, data=None):
        """Return who comes with a launch; nobody comes with anything else, such as a form."""
        launch = (data or {}).get("launch")
        if not isinstance(launch, Launch):
            return None
        known = {
            "institution": launch.platform,
            "country": self.settings.platforms[launch.platform].country,
            "role": launch.role,
            "name": launch.name,
        }
        return {"name": launch.username, "user_info": known, "launch": launch}

    async def check_allowed(self, username, auth_model):
        """Return True for whom the platform has in the course, or the file; raises Refused."""
        launch = (auth_model or {}).get("launch")
        if launch is not None and launch.role:
            return True
        return await super().check_allowed(username, auth_model)

    def enrol(self, account: orm.User, course: str, role: str) -> None:
        """Give an account its groups in a course: what the platform says, and the file."""
        session, listed = object_session(account), self.deployment.courses[course]
        belongs = {
            INSTRUCTORS + course: role == INSTRUCTOR or account.name in listed.instructors,
            STUDENTS + course: role == STUDENT or account.name in listed.students,
        }
        for name, is_in in belongs.items():
            group = orm.Group.find(session, name)
            if is_in and group not in account.groups:
                self.log.info("%s joins %s", account.name, name)
                account.groups.append(group)
            elif not is_in and group in account.groups:
                self.log.info("%s leaves %s", account.name, name)
                account.groups.remove(group)
        session.commit()

    async def read_roster(self, handler: BaseHandler, launch: Launch) -> None:
        """Enrol everybody whom the platform lists in a course, and no others of its people."""
        platform, course = launch.platform, launch.course
        try:
            service = Service(self.settings.platforms[platform], launch.client_id, self.key)
            people = active(await asyncio.to_thread(service.members, launch.roster))
        except ServiceError as error:
            self.log.warning("roster of %s at %s: %s", course, platform, error)
            return
        parts = {launch.username: launch.role}  # they were here just now
        names = {self.settings.login_name_of(platform, subject): subject for subject in people}
        await asyncio.to_thread(self.records.note_people, platform, names)
        for username, subject in names.items():
            parts[username], name = people[subject]
            user = handler.find_user(username)
            if user is None:
                user = handler.user_from_username(username)
                self.add_user(user)
                user.user_info = {
                    "institution": platform,
                    "country": self.settings.platforms[platform].country,
                    "role": parts[username],
                    "name": name,
                }
            self.enrol(user.orm_user, course, parts[username])
            await asyncio.sleep(0)  # others are served in between
        for name in (INSTRUCTORS + course, STUDENTS + course):
            for account in list(orm.Group.find(handler.db, name).users):
                ours = self.settings.institution_of(account.name) == platform
                if ours and account.name not in parts:
                    self.enrol(account, course, "")
        self.log.info("roster of %s at %s: %s people", course, platform, len(parts))


def same(one: str, other: str) -> bool:
    """Whether two texts are the same, told in the same time whatever they are."""
    return hmac.compare_digest(one.encode(), other.encode())


def configure(c, deployment: Deployment, state: State) -> None:
    """Tell the hub how people of learning platforms log in, and how grades go back."""
    c.JupyterHub.authenticator_class = LtiAuthenticator
    ours = c.LtiAuthenticator
    ours.deployment = deployment
    ours.database = databases.addresses(deployment, state)["authentication.database"]
    ours.key_file = str(state.hub / "lti-key.pem")
    ours.enable_auth_state = False  # no token is kept
    # Also those whom an administrator put into a course.
    ours.allow_existing_users = True
    c.LTI13LaunchValidator.time_leeway = LEEWAY

"""Asks a learning platform as this hub: rosters (NRPS 2.0), places for grades and grades (AGS 2.0).

Each request bears a token that the platform gives for a statement signed with the hub's own key
(OAuth 2.0 client credentials, RFC 7523). Only the hub reads that key: no session and no student.
"""

import hashlib
import os
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import jwt
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from .institutions import is_private
from .lti_platforms import Platform

SCOPE_LINE_ITEMS = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem"
SCOPE_SCORE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
SCOPE_ROSTER = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
ROSTER = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
LINE_ITEMS = "application/vnd.ims.lis.v2.lineitemcontainer+json"
LINE_ITEM = "application/vnd.ims.lis.v2.lineitem+json"
SCORE = "application/vnd.ims.lis.v1.score+json"
BY_STATEMENT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

TIMEOUT = (5, 30)  # seconds to connect, and to wait for an answer
TRIES = 4  # of one request, some seconds in all
AGAIN = (429, 500, 502, 503, 504)
PAGES = 200  # of a roster, at most


class ServiceError(Exception):
    """A platform did not do it; `status` is its HTTP status, 0 if it did not answer.

    With `whole`, nothing else asked of it now will go better.
    """

    def __init__(self, text: str, status: int = 0, whole: bool = False):
        super().__init__(text)
        self.status, self.whole = status, whole or status in (0, 401, 403, *AGAIN)


class Key:
    """The hub's own key (RSA); platforms read its public half at /hub/lti13/jwks."""

    def __init__(self, file: Path):
        """Read the key from `file`, which is made, for this account only, if it is not there."""
        if not file.exists():
            new = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            draft = file.with_suffix(".new")
            draft.unlink(missing_ok=True)
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
                written.write(
                    new.private_bytes(
                        serialization.Encoding.PEM,
                        serialization.PrivateFormat.PKCS8,
                        serialization.NoEncryption(),
                    )
                )
            draft.replace(file)
        self.private = serialization.load_pem_private_key(file.read_bytes(), password=None)
        public = self.private.public_key()
        der = public.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.id = hashlib.sha256(der).hexdigest()[:16]
        own = jwt.algorithms.RSAAlgorithm.to_jwk(public, as_dict=True)
        own = {name: own[name] for name in ("kty", "n", "e")}
        self.public = {**own, "kid": self.id, "alg": "RS256", "use": "sig"}


class Service:
    """What one client of a platform may ask; all methods raise ServiceError."""

    def __init__(self, platform: Platform, client_id: str, key: Key):
        self.platform, self.client_id, self.key = platform, client_id, key
        self.http, self.once = requests.Session(), requests.Session()
        again = Retry(
            TRIES - 1,
            status_forcelist=AGAIN,
            allowed_methods=None,  # also POST: the same grade twice is one grade
            backoff_factor=0.5,
            raise_on_status=False,
            respect_retry_after_header=False,  # an hour's wait would hold all other grades up
        )
        for scheme in ("http://", "https://"):
            self.http.mount(scheme, HTTPAdapter(max_retries=again))
        self._tokens: dict[str, str] = {}

    def members(self, url: str) -> list[dict]:
        """Return the members of a course, page by page, as NRPS names them."""
        members = []
        for _ in range(PAGES):
            answer = self._ask("GET", url, SCOPE_ROSTER, accept=ROSTER)
            listed = _json(answer, dict).get("members")
            members += listed if isinstance(listed, list) else []
            url = answer.links.get("next", {}).get("url", "")
            if not url:
                return members
            if not is_private(url):
                break
        raise ServiceError(f"{_place(url)}: the roster does not end", 400)

    def line_item(self, line_items: str, assignment: str, title: str, maximum: float) -> str:
        """Return the line item of an assignment, which is made if there is none."""
        query = {"resource_id": assignment}
        answer = self._ask("GET", line_items, SCOPE_LINE_ITEMS, accept=LINE_ITEMS, params=query)
        for item in _json(answer, list):
            if isinstance(item, dict) and item.get("resourceId") == assignment:
                return _own_address(item)
        wanted = {"label": title, "scoreMaximum": maximum, "resourceId": assignment}
        # Not tried twice: one that was made without our hearing of it is found the next time.
        made = self._ask(
            "POST", line_items, SCOPE_LINE_ITEMS, self.once, kind=LINE_ITEM, json=wanted
        )
        return _own_address(_json(made, dict))

    def score(self, line_item: str, subject: str, points: float, maximum: float) -> None:
        """Send one person's final points in one assignment."""
        parts = urlsplit(line_item)
        url = parts._replace(path=parts.path.rstrip("/") + "/scores").geturl()
        score = {
            "userId": subject,
            "scoreGiven": points,
            "scoreMaximum": maximum,
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "activityProgress": "Completed",
            "gradingProgress": "FullyGraded",
        }
        self._ask("POST", url, SCOPE_SCORE, kind=SCORE, json=score)

    def _ask(
        self, method: str, url: str, scope: str, http=None, accept="", kind="", **more
    ) -> requests.Response:
        """Return the platform's answer, which is a success."""
        headers = {"Accept": accept} if accept else {}
        if kind:
            headers["Content-Type"] = kind
        bearer = _bearer(self._token(scope))
        answer = self._answer(
            lambda: (http or self.http).request(
                method, url, headers=headers, auth=bearer, timeout=TIMEOUT, **more
            ),
            url,
        )
        if not answer.ok:
            raise ServiceError(f"{_place(url)}: HTTP {answer.status_code}", answer.status_code)
        return answer

    def _token(self, scope: str) -> str:
        """Return a token for one kind of request, asked for once."""
        if scope not in self._tokens:
            url, now = self.platform.token_url, int(time.time())
            statement = jwt.encode(
                {
                    "iss": self.client_id,
                    "sub": self.client_id,
                    "aud": url,
                    "iat": now,
                    "exp": now + 300,
                    "jti": uuid.uuid4().hex,
                },
                self.key.private,
                algorithm="RS256",
                headers={"kid": self.key.id},
            )
            form = {
                "grant_type": "client_credentials",
                "client_assertion_type": BY_STATEMENT,
                "client_assertion": statement,
                "scope": scope,
            }
            answer = self._answer(lambda: self.http.post(url, data=form, timeout=TIMEOUT), url)
            if not answer.ok:
                what = f"{_place(url)}: no token for {scope}: HTTP {answer.status_code}"
                raise ServiceError(what, answer.status_code, whole=True)
            token = _json(answer, dict).get("access_token")
            if not isinstance(token, str):
                raise ServiceError(f"{_place(url)}: no token for {scope}", 400, whole=True)
            self._tokens[scope] = token
        return self._tokens[scope]

    @staticmethod
    def _answer(ask: Callable[[], requests.Response], url: str) -> requests.Response:
        try:
            return ask()
        except requests.RequestException as error:
            raise ServiceError(f"{_place(url)}: {type(error).__name__}") from error


def _bearer(token: str) -> Callable:
    # As `auth`: a netrc file has no say then.
    def sign(request):
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    return sign


def _json(answer: requests.Response, kind: type):
    """Return an answer's JSON, which is of a kind."""
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, kind):
        raise ServiceError(f"{_place(answer.url)}: no answer that can be read", 400)
    return found


def _own_address(item: dict) -> str:
    url = item.get("id")
    if not isinstance(url, str) or not is_private(url):
        raise ServiceError("a line item without an address of its own", 400)
    return url


def _place(url: str) -> str:
    """Return a URL fit for a log: without its query, which may hold what is secret."""
    return url.split("?")[0][:200]

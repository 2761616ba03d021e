"""A learning platform on loopback, as small as LTI 1.3 allows: what Moodle and Canvas do.

Third-party login, signed tokens, keys, tokens for the tool by its signed statement, rosters (NRPS,
two pages) and grades (AGS). It records what it gets, and `failures` answers come as 500 first.
"""

import html
import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#"
SCORE = "application/vnd.ims.lis.v1.score+json"
LINE_ITEM = "application/vnd.ims.lis.v2.lineitem+json"
LOGIN = "/hub/lti13/oauth_login"


def new_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def form(where: str, fields: dict[str, str], button: str = "") -> str:
    """Return a form that posts `fields`, by a button or by a script."""
    inputs = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(value)}">'
        for name, value in fields.items()
    )
    click = f"<button>{html.escape(button)}</button>" if button else ""
    return f'<form method="post" action="{html.escape(where)}">{inputs}{click}</form>'


class Platform:
    """One platform with one course, its people, its links, and one registered tool."""

    def __init__(self, tool: str, client_id: str, context: str):
        self.tool, self.client_id, self.context = tool, client_id, context
        self.key, self.kid = new_key(), uuid.uuid4().hex[:8]
        self.people: dict[str, dict] = {}  # login hint -> name, roles
        self.links: dict[str, dict] = {}  # message hint -> custom, grades: whether it has a place
        self.line_items: dict[str, dict] = {}  # number -> label, resourceId …
        self.scores: list[tuple[str, dict]] = []  # (number of the line item, what was sent)
        self.tokens: dict[str, str] = {}  # token -> scope
        self.statements: set[str] = set()  # their jti
        self.asked: list[str] = []  # method and path of each request that had a token
        self.failures = 0  # how many of the next requests with a token fail
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                platform.answer(self, b"")

            def do_POST(self):
                platform.answer(self, self.rfile.read(int(self.headers["Content-Length"] or 0)))

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def settings(self, courses: dict) -> dict:
        """What the hub's deployment says of this platform."""
        return {
            "issuer": self.url,
            "client_ids": [self.client_id],
            "deployment_ids": ["1"],
            "authorize_url": self.url + "/auth",
            "jwks_url": self.url + "/keys",
            "token_url": self.url + "/token",
            "courses": courses,
        }

    def claims(self, who: str, link: str, nonce: str) -> dict:
        """What a token says of a person at a link."""
        person, place, now = self.people[who], self.links[link], int(time.time())
        scopes = [AGS + "scope/lineitem", AGS + "scope/score"]
        endpoint = {"scope": scopes, "lineitems": f"{self.url}/lineitems?type=1"}
        if place.get("grades"):
            endpoint["lineitem"] = f"{self.url}/lineitems/{place['grades']}?type=1"
        roster = {"context_memberships_url": f"{self.url}/members", "service_versions": ["2.0"]}
        return {
            "iss": self.url,
            "aud": self.client_id,
            "sub": f"sub-{who}",
            "iat": now,
            "exp": now + 60,
            "nonce": nonce,
            "name": person["name"],
            "email": "root@minga.example",  # nobody believes it
            CLAIM + "message_type": "LtiResourceLinkRequest",
            CLAIM + "version": "1.3.0",
            CLAIM + "deployment_id": "1",
            CLAIM + "target_link_uri": self.tool + place.get("target", "/hub/"),
            CLAIM + "resource_link": {"id": link},
            CLAIM + "roles": person["roles"],
            CLAIM + "context": {"id": self.context, "label": "IA-1", "title": "IA 2027"},
            CLAIM + "custom": place.get("custom", {}),
            AGS + "claim/endpoint": endpoint,
            NRPS + "claim/namesroleservice": roster,
        }

    def sign(self, claims: dict, key=None) -> str:
        return jwt.encode(claims, key or self.key, algorithm="RS256", headers={"kid": self.kid})

    def login(self, who: str, link: str) -> dict:
        """What the platform says in the first step of a launch."""
        return {
            "iss": self.url,
            "client_id": self.client_id,
            "login_hint": who,
            "lti_message_hint": link,
            "target_link_uri": self.tool + "/hub/",
            "lti_deployment_id": "1",
        }

    def login_url(self, who: str, link: str, **changes) -> str:
        """The first step of a launch: the tool's own address, with what the platform says."""
        return f"{self.tool}{LOGIN}?{urlencode(self.login(who, link) | changes)}"

    def course_url(self, who: str) -> str:
        """The course's page, as it is there for one of its people."""
        return f"{self.url}/course?{urlencode({'who': who})}"

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        parts = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        routes = {"course": self._course, "auth": self._auth, "keys": self._keys}
        route = (routes | {"token": self._token}).get(parts.path[1:])
        if route:
            status, kind, content, *more = route(query, body)
        else:
            status, kind, content, *more = self._service(request, parts.path, query, body)
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(content)))
        for header, value in more:
            request.send_header(header, value)
        request.end_headers()
        request.wfile.write(content)

    def _course(self, query, body):
        links = {link: self.login(query["who"], link) for link in self.links}
        forms = [form(self.tool + LOGIN, fields, link) for link, fields in links.items()]
        return 200, "text/html", f"<!DOCTYPE html><h1>IA 2027</h1>{''.join(forms)}".encode()

    def _auth(self, query, body):
        assert query["response_type"] == "id_token" and query["response_mode"] == "form_post"
        assert query["scope"] == "openid" and query["client_id"] == self.client_id
        claims = self.claims(query["login_hint"], query["lti_message_hint"], query["nonce"])
        fields = {"state": query["state"], "id_token": self.sign(claims)}
        page = "<!DOCTYPE html>" + form(query["redirect_uri"], fields)
        return 200, "text/html", f"{page}<script>document.forms[0].submit()</script>".encode()

    def _keys(self, query, body):
        own = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return 200, "application/json", {"keys": [{**own, "kid": self.kid, "alg": "RS256"}]}

    def _token(self, query, body):
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        assert form["grant_type"] == "client_credentials"
        statement = form["client_assertion"]
        keys = self.tool_keys()
        assert not [key for key in keys if "d" in key], "the private half is out"
        kid = jwt.get_unverified_header(statement)["kid"]
        known = [jwt.PyJWK(key) for key in keys if key["kid"] == kid]
        if not known:
            return 401, "application/json", {"error": "invalid_client"}
        (key,) = known
        said = jwt.decode(
            statement, key.key, algorithms=["RS256"], audience=self.url + "/token",
            issuer=self.client_id, options={"require": ["exp", "iat", "jti", "sub"]},
        )  # fmt: skip
        assert said["sub"] == self.client_id and said["jti"] not in self.statements
        self.statements.add(said["jti"])
        token = uuid.uuid4().hex
        self.tokens[token] = form["scope"]
        return 200, "application/json", {"access_token": token, "token_type": "Bearer"}

    def tool_keys(self) -> list[dict]:
        return requests.get(self.tool + "/hub/lti13/jwks", timeout=10).json()["keys"]

    def _service(self, request, path, query, body):
        scope = self.tokens.get(request.headers["Authorization"].removeprefix("Bearer "), "")
        self.asked.append(f"{request.command} {path}")
        if self.failures:
            self.failures -= 1
            return 500, "text/plain", b"try again"
        if path == "/members" and scope == NRPS + "scope/contextmembership.readonly":
            everybody = sorted(self.people)
            page = int(query.get("page", 0))
            listed = everybody[2 * page : 2 * page + 2]
            members = [{"user_id": f"sub-{who}", **self.people[who]} for who in listed]
            more = []
            if everybody[2 * page + 2 :]:
                more = [("Link", f'<{self.url}/members?page={page + 1}>; rel="next"')]
            return 200, "application/json", {"id": path, "members": members}, *more
        if path == "/lineitems" and scope == AGS + "scope/lineitem":
            if request.command == "POST":
                assert request.headers["Content-Type"] == LINE_ITEM
                number = f"made{len(self.line_items)}"
                self.line_items[number] = json.loads(body)
                return 201, LINE_ITEM, self._line_item(number)
            wanted = query.get("resource_id")
            items = [n for n, item in self.line_items.items() if item["resourceId"] == wanted]
            return 200, "application/json", [self._line_item(number) for number in items]
        if path.endswith("/scores") and scope == AGS + "scope/score":
            assert request.command == "POST" and request.headers["Content-Type"] == SCORE
            assert query == {"type": "1"}  # Moodle's addresses have a query, after "/scores"
            self.scores.append((path.split("/")[2], json.loads(body)))
            return 200, "application/json", {}
        return 403, "text/plain", b"no"

    def _line_item(self, number: str) -> dict:
        return {"id": f"{self.url}/lineitems/{number}?type=1", **self.line_items[number]}

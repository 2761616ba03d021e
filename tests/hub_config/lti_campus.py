"""A hub and the learning platform whose people use it: what tests do with both."""

import html
import os
import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

import requests
import yaml

from hub_config.institutions import login_name
from tests.conftest import ROOT, Minga
from tests.hub_config.lti_platform import Platform

COURSE = "supercomputing"  # the one that the platform's course is
CALLBACK = "/hub/lti13/oauth_callback"


class Campus:
    """A hub and the platform whose people use it."""

    def __init__(self, minga: Minga, platform: Platform):
        self.minga, self.platform, self.hub = minga, platform, minga.url + "/hub"

    def name(self, who: str) -> str:
        return login_name("uchile", f"sub-{who}", self.platform.url)

    def begin(self, who: str, link: str = "tarea", language: str = "es"):
        """Go to the hub and away to the platform; return the browser and what the hub asks."""
        person = requests.Session()
        person.headers["Accept-Language"] = language
        away = person.get(self.platform.login_url(who, link), allow_redirects=False)
        assert away.status_code == 302, away.text
        asked = urlsplit(away.headers["Location"])
        assert asked.path == "/auth"
        return person, {name: values[0] for name, values in parse_qs(asked.query).items()}

    def come(self, who: str, link: str = "tarea", language: str = "es", sign=None, **changes):
        """Launch; return the browser, the hub's answer and the form that was sent."""
        person, asked = self.begin(who, link, language)
        state = changes.pop("state", asked["state"])
        claims = self.platform.claims(who, link, asked["nonce"]) | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        form = {"state": state, "id_token": (sign or self.platform.sign)(claims)}
        return person, self.send(person, form), form

    def send(self, person: requests.Session, form: dict) -> requests.Response:
        # As a browser says that the form is another site's.
        headers = {"Origin": self.platform.url, "Sec-Fetch-Site": "cross-site"}
        where = self.minga.url + CALLBACK
        answer = person.post(where, data=form, headers=headers, allow_redirects=False)
        answer.encoding = "utf-8"  # the page says so, its header does not
        return answer

    def token(self, who: str, link: str = "curso") -> str:
        """A token of the hub's API of somebody who came by a link."""
        person, answer, _ = self.come(who, link)
        assert answer.status_code == 303, html.unescape(answer.text)
        person.get(self.hub + "/home")
        xsrf = [c.value for c in person.cookies if c.name == "_xsrf" and "/hub" in c.path][-1]
        made = person.post(
            f"{self.hub}/api/users/{self.name(who)}/tokens",
            headers={"X-XSRFToken": xsrf, "Referer": self.hub + "/token"},
            json={"note": "test"},
        )
        assert made.status_code == 201, made.text
        return made.json()["token"]

    def api(self, token: str, path: str, method: str = "GET", **more) -> requests.Response:
        headers = {"Authorization": f"token {token}"} if token else {}
        return requests.request(method, f"{self.hub}/api{path}", headers=headers, **more)

    def members(self, admin: str, group: str) -> set[str]:
        return set(self.api(admin, f"/groups/{group}-{COURSE}").json()["users"])

    def formgrader_token(self, course: str = COURSE) -> str:
        path = self.minga.state / "hub" / "formgraders.json"
        return yaml.safe_load(path.read_text())[course]

    def nbgrader(self, *command: str, **variables: str) -> str:
        home = self.minga.state.parent / "people" / variables.get("JUPYTERHUB_USER", "formgrader")
        home.mkdir(parents=True, exist_ok=True)
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "MINGA"))}
        environment = {
            **keep,
            "HOME": str(home),
            "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]),
            "PYTHONPATH": str(ROOT),
            "JUPYTER_CONFIG_PATH": str(ROOT / "courses" / "jupyter"),
            "JUPYTERHUB_API_URL": self.hub + "/api",
            "MINGA_COURSE": COURSE,
            "MINGA_EXCHANGE_URL": self.minga.url + "/services/exchange/",
            "MINGA_LANGUAGE": "es",
            **variables,
        }
        done = subprocess.run(
            ["nbgrader", *command], cwd=home, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

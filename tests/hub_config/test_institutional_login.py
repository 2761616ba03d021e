"""People of two institutions log in through a real OpenID provider, in a real browser."""

import json
import re
import subprocess
import time
from pathlib import Path

import pytest
import requests
import yaml

from hub_config.deployment import DEFAULT
from hub_config.institutions import login_name
from tests.conftest import Minga, free_port
from tests.hub_config.pages.conftest import SIZES, Reader

pytestmark = pytest.mark.slow

PROVIDER = Path(__file__).with_name("openid")
SECRET = "a-secret-that-only-two-know"
CONTACT = "soporte@minga.example"
VARIANTS = [("es", "wide", "light"), ("en", "phone", "dark")]
in_spanish = pytest.mark.parametrize("visit", VARIANTS[:1], indirect=True)
in_english = pytest.mark.parametrize("visit", VARIANTS[1:], indirect=True)


def somebody(eppn: str, institution: str, affiliation: str) -> dict:
    return {
        "eppn": eppn,
        "schac_home_organization": institution,
        "eduperson_scoped_affiliation": [f"{affiliation}@{institution}", f"member@{institution}"],
        "email": "root@minga.example",  # nobody checks it, and nobody believes it
    }


PEOPLE = {
    "ana": somebody("ana@uchile.cl", "uchile.cl", "student"),
    "visita": somebody("ana@uniandes.edu.co", "uniandes.edu.co", "student"),
    "experto": somebody("luis@uniandes.edu.co", "uniandes.edu.co", "faculty"),
    "jefa": somebody("jefa@uchile.cl", "uchile.cl", "staff"),
    "nueva": somebody("nueva@uchile.cl", "uchile.cl", "student"),
    "lejana": somebody("ana@otra.cl", "otra.cl", "student"),
    "callada": {"eppn": "x@uchile.cl"},
}
ANA, VISITOR = login_name("uchile", "ana@uchile.cl"), login_name("uandes", "ana@uniandes.edu.co")
EXPERT, NEW = login_name("uandes", "luis@uniandes.edu.co"), login_name("uchile", "nueva@uchile.cl")


class Provider:
    """The npm package oidc-provider as a process on loopback."""

    def __init__(self, folder: Path, redirect_uri: str, people: dict[str, dict] = PEOPLE):
        self.port, self.output = 0, folder / "provider.out"
        self.settings = {
            "client_id": "minga",
            "client_secret": SECRET,
            "redirect_uri": redirect_uri,
            "people": people,
        }
        self.issuer = self.start()
        self.port = int(self.issuer.rsplit(":", 1)[1])

    def start(self) -> str:
        """Start, again at the same port, and return the issuer."""
        before = self.output.read_text() if self.output.exists() else ""
        with open(self.output, "a") as output, open(self.output.with_suffix(".err"), "a") as errors:
            self.process = subprocess.Popen(
                ["node", "provider.js", json.dumps({**self.settings, "port": self.port})],
                cwd=PROVIDER,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=errors,
            )
        for _ in range(300):
            assert self.process.poll() is None, self.output.with_suffix(".err").read_text()
            said = self.output.read_text().removeprefix(before)
            if "\n" in said:
                return said.splitlines()[0]
            time.sleep(0.1)
        raise AssertionError("the provider did not start")

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=20)

    def tokens(self) -> list[str]:
        """All that it gave out."""
        answers = [json.loads(line) for line in self.output.read_text().splitlines() if "{" in line]
        return [a[kind] for a in answers for kind in ("access_token", "id_token")]


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    """A hub whose people come from the provider, and the provider."""
    folder, port = tmp_path_factory.mktemp("oidc"), free_port()
    secret = folder / "client-secret"
    secret.write_text(SECRET + "\n")
    secret.chmod(0o600)
    provider = Provider(folder, f"http://127.0.0.1:{port}/hub/oauth_callback")
    deployment = yaml.safe_load(DEFAULT.read_text())
    deployment["authentication"] = {
        "method": "oidc",
        "issuer": provider.issuer,
        "client_id": "minga",
        "client_secret_file": str(secret),
        "scopes": ["openid", "institution"],
        "claims": {"identity": "eppn"},
        "institutions": {
            "uchile": {
                "title": {"es": "Universidad de Chile", "en": "University of Chile"},
                "country": "CL",
                "values": ["uchile.cl"],
            },
            "uandes": {
                "title": {"es": "Universidad de los Andes"},
                "country": "CO",
                "values": ["uniandes.edu.co"],
            },
        },
        "contact": CONTACT,
        "admins": ["uchile:jefa@uchile.cl"],
    }
    deployment["courses"] = {
        "ai-foundations": {
            "students": ["uchile:ana@uchile.cl", VISITOR],
            "instructors": ["uandes:luis@uniandes.edu.co"],
            "institutions": ["uchile", "uandes"],
        }
    }
    file = folder / "oidc.yaml"
    file.write_text(yaml.safe_dump(deployment))
    minga = Minga(folder / "state", port)
    minga.environment |= {"MINGA_DEPLOYMENT": str(file), "MINGA_SLURM": "none"}
    try:
        yield minga.start(), provider
    finally:
        if minga.launcher and minga.launcher.poll() is None:
            minga.interrupt()
        if provider.process.poll() is None:
            provider.stop()


class Visitor(Reader):
    """Somebody who comes from their institution."""

    seen = ""  # all that pages held, scripts and attributes included

    def enter(self, who: str, path: str = "/hub/login") -> None:
        """Log in at the provider, starting from a page of the hub."""
        self.go(path)
        self.page.click("#institution")
        assert self.language in self.page.inner_text("#language")  # the provider was told
        self.page.fill("input[name=who]", who)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(f"{self.hub}/**")

    def look_everywhere(self, name: str) -> None:
        """Look at a page on a desk and a phone, by day and by night."""
        for self.size, (width, height) in SIZES.items():
            for self.scheme in ("light", "dark"):
                self.page.set_viewport_size({"width": width, "height": height})
                self.page.emulate_media(color_scheme=self.scheme)
                self.look(name)

    def look(self, name: str) -> None:
        super().look("oidc-" + name)
        Visitor.seen += self.page.content()


@pytest.fixture(params=VARIANTS, ids=lambda variant: "-".join(variant))
def visit(request, chromium, installation):
    """A function that opens a new browser, as another person or again."""
    opened = []

    def new() -> Visitor:
        opened.append(Visitor(chromium, installation[0].url, *request.param))
        return opened[-1]

    yield new
    problems = [problem for visitor in opened for problem in visitor.problems]
    for visitor in opened:
        visitor.context.close()
    assert not problems, "\n".join(problems)


def name_shown(visitor: Visitor) -> str:
    return visitor.page.locator("body").get_attribute("data-user")


def ask(visitor: Visitor, path: str):
    """What the hub's API answers to this browser."""
    return visitor.page.evaluate(
        """async (path) => (await fetch("/hub/api" + path,
            {headers: {"X-XSRFToken": document.body.dataset.xsrf}})).json()""",
        path,
    )


def test_students_of_two_institutions_see_their_start_page(visit):
    for who, name in {"ana": ANA, "visita": VISITOR}.items():
        student = visit()
        student.go("/hub/login")
        if who == "ana":
            student.look_everywhere("login")
        words = {"es": "Entrar con mi institución", "en": "Log in with my institution"}
        assert words[student.language] in student.page.inner_text("#institution")
        student.enter(who)
        student.page.wait_for_selector("#spawn_form")
        student.look("start")
        assert name_shown(student) == name
        student.go("/hub/admin")
        assert student.page.get_attribute("[data-status]", "data-status") == "403"


@in_spanish
def test_the_target_and_the_chosen_language_are_kept(visit):
    reader = visit()
    reader.go("/hub/token")  # leads to the login page, with ?next=
    other = "en" if reader.language == "es" else "es"
    reader.page.click(f".languages a[hreflang={other}]")
    reader.page.click("#institution")
    assert other in reader.page.inner_text("#language")
    reader.page.fill("input[name=who]", "ana")
    reader.page.keyboard.press("Enter")
    reader.page.wait_for_url(f"{reader.hub}/hub/token")
    assert reader.page.locator("html").get_attribute("lang") == other


@in_english
def test_institution_country_and_role_are_known_to_the_hub(visit):
    expert, admin = visit(), visit()
    expert.enter("experto", "/hub/login?next=/hub/home")
    assert name_shown(expert) == EXPERT
    assert expert.page.locator("a[href*='/services/ai-foundations']").count() == 1
    assert ask(expert, "/groups").get("status") == 403
    admin.enter("jefa", "/hub/login?next=/hub/home")
    groups = {group["name"]: group for group in ask(admin, "/groups")}
    assert {ANA} < set(groups["institution-uchile"]["users"])
    assert groups["institution-uchile"]["properties"]["country"] == "CL"
    assert {VISITOR, EXPERT} <= set(groups["institution-uandes"]["users"])
    assert set(groups["nbgrader-ai-foundations"]["users"]) == {ANA, VISITOR}
    assert set(groups["formgrade-ai-foundations"]["users"]) == {EXPERT}
    known = ask(admin, f"/users/{EXPERT}")
    assert known["user_info"] == {"institution": "uandes", "country": "CO", "role": "faculty"}
    assert known["auth_state"] is None


@pytest.mark.parametrize(
    ("who", "told"),
    [
        ("nueva", {"es": f"Tu cuenta «{NEW}» no está inscrita", "en": f"{NEW}” is not enrolled"}),
        (
            "lejana",
            {"es": "Tu institución (otra.cl) no", "en": "Your institution (otra.cl) is not"},
        ),
        ("callada", {"es": "«schac_home_organization»", "en": "“schac_home_organization”"}),
    ],
)
def test_who_is_not_let_in_reads_why_and_whom_to_ask(visit, who, told):
    refused = visit()
    refused.enter(who)
    refused.look(f"refused-{who}")
    text = refused.page.inner_text("main")
    assert told[refused.language] in text and CONTACT in text
    refused.go("/hub/home")
    assert "/hub/login" in refused.page.url


@in_english
def test_a_login_that_was_cancelled_or_not_asked_for_ends_in_a_sentence(visit):
    person = visit()
    person.go("/hub/login")
    person.page.click("#institution")
    person.page.click("button[name=cancel]")
    person.page.wait_for_url("**/hub/oauth_callback**")
    person.look("cancelled")
    assert {"es": "No se completó", "en": "not completed"}[
        person.language
    ] in person.page.inner_text("main")
    # Somebody else's answer, sent along to be logged in as them.
    person.go("/hub/login")
    person.page.click("#institution")
    person.go("/hub/oauth_callback?code=theirs&state=eyJzdGF0ZV9pZCI6ICJ4In0=")
    person.look("state")
    assert {"es": "venció", "en": "expired"}[person.language] in person.page.inner_text("main")
    person.go("/hub/home")
    assert "/hub/login" in person.page.url


@in_spanish
def test_no_token_is_in_a_page_a_log_or_the_database(installation, visit):
    minga, provider = installation
    student = visit()
    student.enter("ana")
    student.page.wait_for_selector("#spawn_form")
    student.look("start")
    kept = [file for file in minga.state.rglob("*") if file.is_file() and "homes" not in file.parts]
    assert any(file.name == "hub.log" for file in kept)
    assert any(file.name == "jupyterhub.sqlite" for file in kept)
    written = b"".join(file.read_bytes() for file in kept) + minga.said().encode()
    assert b"User logged in: " + ANA.encode() in written and ANA in Visitor.seen
    assert re.search(rb"oauth_callback\?code=\[secret\]", written)
    assert not re.search(rb"[?&]code=(?!\[secret\])", written)
    tokens = provider.tokens()
    assert tokens
    for secret in [*tokens, SECRET]:
        assert secret not in Visitor.seen
        assert secret.encode() not in written


@in_english
def test_a_provider_that_is_away_is_a_sentence(installation, visit):
    minga, provider = installation
    person = requests.Session()
    person.headers["Accept-Language"] = "en"
    form = person.get(minga.url + "/hub/oauth_login")
    answer = person.post(form.url, {"who": "ana"}, allow_redirects=False)
    while not answer.headers["Location"].startswith(minga.url):
        answer = person.get(answer.headers["Location"], allow_redirects=False)
    provider.stop()
    try:
        page = person.get(answer.headers["Location"])
        assert page.status_code == 503
        assert "does not answer" in page.text and CONTACT in page.text
        reader = visit()
        end = time.monotonic() + 60
        while reader.page.locator("[data-status='503']").count() == 0:
            assert time.monotonic() < end, reader.page.content()
            time.sleep(1)
            page = person.get(minga.url + "/hub/oauth_login", allow_redirects=False)
            if page.status_code == 503:  # it was believed for some seconds more
                reader.go("/hub/login")
                reader.page.click("#institution")
        reader.look("away")
        assert "Traceback" not in (minga.state / "log" / "hub.log").read_text()
    finally:
        provider.start()

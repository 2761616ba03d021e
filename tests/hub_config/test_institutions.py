"""Names made from what a provider says, who is refused and why, and a deployment that is wrong."""

import io
import json
import os
import pwd
import re
import shlex

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from jupyterhub import orm
from tornado.httpclient import HTTPClientError

from hub_config.deployment import DEFAULT, DeploymentError, load
from hub_config.institutional_login import InstitutionalAuthenticator, Refused, person
from hub_config.institutions import Oidc, login_name
from hub_config.openid_provider import discover, prepare
from hub_config.state import State
from tests.conftest import in_a_loop_of_its_own

INSTITUTIONS = st.from_regex(r"[a-z][a-z0-9]{1,9}", fullmatch=True)
STRANGE = ["", "root", "../../etc/passwd", "ana\nroot", "$(id)", "-rf", "ñandú@x", "🙂", "\ud800"]


def examples(test):
    for text in [*STRANGE, "a" * 5000, "A.Pérez+x@uchile.cl", "http://cilogon.org/serverA/users/7"]:
        test = example("uchile", text)(test)
    return test


@examples
@given(INSTITUTIONS, st.text(st.characters(), max_size=300))
def test_a_login_name_is_safe_everywhere(institution, identity):
    name = login_name(institution, identity)
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,31}", name)
    assert name == shlex.quote(name) == os.path.basename(name)
    assert name.startswith(institution + "-") and not name.endswith("-")
    assert name == login_name(institution, identity)


PEOPLE = st.tuples(
    INSTITUTIONS, st.text(max_size=40), st.sampled_from(["", "https://a", "https://b"])
)


@given(st.lists(PEOPLE, unique=True, min_size=2, max_size=40))
@example(
    [("uchile", "ana", ""), ("uandes", "ana", ""), ("uchile", "Ana", ""), ("uchile", "ana ", "")]
)
@example([("uchile", "ana.perez", ""), ("uchile", "ana-perez", ""), ("uchile", "ana@perez", "")])
@example([("uc", "hile-ana", ""), ("uchile", "ana", ""), ("uchile", "", "ana")])
def test_two_people_never_have_one_login_name(people):
    names = [login_name(*one) for one in people]
    assert len(set(names)) == len(people)


@given(st.sampled_from([entry.pw_name for entry in pwd.getpwall()] + ["admin", "root"]))
def test_nobody_gets_the_account_of_the_system(account):
    institution, _, rest = account.partition("-")
    if re.fullmatch(r"[a-z][a-z0-9]{1,9}", institution):
        assert login_name(institution, rest) != account
    assert login_name("uchile", account) != account


@pytest.fixture
def secret(tmp_path):
    file = tmp_path / "secret"
    file.write_text("not-for-everybody\n")
    file.chmod(0o600)
    return file


def oidc(secret, **changes) -> dict:
    return {
        "method": "oidc",
        "issuer": "https://gateway.example",
        "client_id": "minga",
        "client_secret_file": str(secret),
        "claims": {"identity": "eppn", "country": "country"},
        "institutions": {
            "uchile": {"title": {"es": "U. de Chile"}, "country": "CL", "values": ["uchile.cl"]},
            "uandes": {
                "title": {"es": "U. de los Andes"},
                "country": "CO",
                "values": ["uniandes.edu.co", "https://idp.uniandes.edu.co/"],
            },
        },
        "contact": "ayuda@minga.example",
        **changes,
    }


@pytest.fixture
def settings(secret):
    return Oidc.model_validate(oidc(secret))


ANA = {"eppn": "ana@uchile.cl", "schac_home_organization": "uchile.cl"}


def test_claims_become_a_person(settings):
    said = {
        "country": ["cl"],
        "eduperson_scoped_affiliation": ["member@uchile.cl", "student@uchile.cl"],
    }
    ana = person(settings, ANA | said)
    assert (ana.institution, ana.country, ana.role) == ("uchile", "CL", "student")
    assert ana.username == settings.login_name("uchile:ana@uchile.cl")
    bare = person(settings, {**ANA, "schac_home_organization": ["https://idp.uniandes.edu.co/"]})
    assert (bare.institution, bare.country, bare.role) == ("uandes", "CO", "")
    assert bare.username != ana.username


def test_what_a_person_may_write_themselves_changes_nothing(settings):
    free = {"name": "root", "email": "luis@uchile.cl", "preferred_username": "luis", "sub": "x"}
    assert person(settings, ANA | free).username == person(settings, ANA).username


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "«eppn»"),
        ({"eppn": "ana@uchile.cl"}, "«schac_home_organization»"),
        (ANA | {"eppn": " "}, "«eppn»"),
        (ANA | {"eppn": 7}, "«eppn»"),
        (ANA | {"eppn": ["ana@uchile.cl", "luis@uchile.cl"]}, "«eppn»"),
        (ANA | {"schac_home_organization": {"uchile.cl": 1}}, "«schac_home_organization»"),
        (ANA | {"schac_home_organization": "otra.cl\nINFO: x"}, "(otra.cl INFO: x) no está"),
        (ANA | {"schac_home_organization": "UCHILE.CL"}, "(UCHILE.CL) no está"),
        (ANA | {"schac_home_organization": ["uchile.cl", "uniandes.edu.co"]}, "varias"),
    ],
)
def test_who_cannot_be_told_apart_is_refused_with_a_sentence(settings, said, words):
    with pytest.raises(Refused) as refused:
        person(settings, said)
    assert refused.value.status_code == 403
    sentence = refused.value.text.render()
    assert words in sentence and "ayuda@minga.example" in sentence and "\n" not in sentence


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
CLAIMS = ["eppn", "schac_home_organization", "country", "eduperson_scoped_affiliation"]


@given(said=st.fixed_dictionaries({}, optional=dict.fromkeys(CLAIMS, JSON | st.just("uchile.cl"))))
def test_whatever_a_provider_says_is_a_person_or_a_refusal(said, tmp_path_factory):
    file = tmp_path_factory.getbasetemp() / "secret"
    file.write_text("x")
    file.chmod(0o600)
    try:
        found = person(Oidc.model_validate(oidc(file)), said)
    except Refused:
        return
    assert re.fullmatch(r"uchile-[a-z0-9-]+", found.username)
    assert re.fullmatch("[A-Z]{2}", found.country)


@pytest.fixture
def changed(tmp_path, secret):
    """Return a function that loads local.yaml with institutional login and one change."""

    def load_changed(change):
        data = yaml.safe_load(DEFAULT.read_text())
        data["authentication"] = oidc(secret)
        data["courses"] = {"ai-foundations": {"students": ["uchile:ana@uchile.cl"]}}
        change(data)
        file = tmp_path / "changed.yaml"
        file.write_text(yaml.safe_dump(data, sort_keys=False))
        return load(file)

    return load_changed


def course(**members):
    return lambda data: data["courses"]["ai-foundations"].update(members)


def method(**keys):
    return lambda data: data["authentication"].update(keys)


def test_people_are_enrolled_by_their_identity_or_their_login_name(changed):
    name = login_name("uandes", "luis@uniandes.edu.co")
    deployment = changed(course(instructors=[name], institutions=["uchile", "uandes"]))
    members = deployment.courses["ai-foundations"]
    assert members.students == [login_name("uchile", "ana@uchile.cl")]
    assert members.instructors == [name]
    late = {"uchile:ana@uchile.cl": {"attempts": 2}}
    deployment = changed(course(assignments={"descenso-de-gradiente": {"extensions": late}}))
    policy = deployment.courses["ai-foundations"].assignments["descenso-de-gradiente"]
    assert list(policy.extensions) == members.students


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            method(clientid="x"),
            ["authentication.clientid", "no such key", "client_id, client_secret"],
        ),
        (method(people={}), ["authentication.people", "no such key", "issuer, method, scopes"]),
        (method(issuer="http://gateway.example"), ["authentication.issuer", "https://"]),
        (method(issuer="https://gateway.example?x"), ["authentication.issuer", "https://"]),
        (method(issuer="https://ana:x@gateway.example"), ["authentication.issuer", "https://"]),
        (
            method(callback_url="https://minga.example"),
            ["authentication.callback_url", "/hub/oauth"],
        ),
        (method(client_secret_file="nowhere"), ["client_secret_file", "no such file", "nowhere"]),
        (method(client_secret_file="/dev/null"), ["client_secret_file", "no such file"]),
        (method(scopes=["profile"]), ["authentication.scopes", "openid"]),
        (method(claims={"identity": "email"}), ["claims.identity", "'email'", "allowed: sub"]),
        (
            method(claims={"who": "sub"}),
            ["claims.who", "no such key", "identity, institution, role"],
        ),
        (method(institutions={}), ["authentication.institutions", "at least 1"]),
        (method(institutions={"u-chile": {}}), ["authentication.institutions.u-chile", "match"]),
        (method(contact=""), ["authentication.contact"]),
        (method(admins=["admin"]), ["authentication.admins", "«admin» is of no institution"]),
        (course(students=["ana"]), ["students", "«ana» is of no institution", "<institution>:"]),
        (course(students=["usach:ana"]), ["students", "«usach:ana» is of no institution"]),
        (course(students=["uchile:"]), ["ai-foundations.students.0", "match"]),
        (
            course(institutions=["uandes"]),
            ["students", "«uchile:ana@uchile.cl»", "allowed: uandes"],
        ),
        (
            course(institutions=["usach"]),
            ["ai-foundations.institutions", "usach", "uchile, uandes"],
        ),
        (lambda d: d["hub"].update(address="0.0.0.0"), ["accounts", "loopback"]),
        (
            lambda d: d.update(authentication={"method": "pam"}),
            ["students", "«uchile:ana@uchile.cl»", "method: oidc"],
        ),
        (
            lambda d: d.update(authentication={"method": "ldap"}),
            ["authentication", "'tryout', 'pam', 'oidc'"],
        ),
    ],
)
def test_a_mistake_is_named_with_file_key_reason_and_what_is_allowed(changed, change, words):
    with pytest.raises(DeploymentError) as error:
        changed(change)
    for word in ["changed.yaml:", *words]:
        assert word in str(error.value)


def test_two_institutions_cannot_share_a_value(changed):
    def share(data):
        data["authentication"]["institutions"]["uandes"]["values"].append("uchile.cl")

    with pytest.raises(DeploymentError, match="institutions: .*«uchile.cl» means both"):
        changed(share)


def test_a_secret_that_all_can_read_is_refused(changed, secret):
    for mode in (0o604, 0o644, 0o602):
        secret.chmod(mode)
        with pytest.raises(
            DeploymentError, match=f"client_secret_file.*chmod 600 {secret}"
        ) as error:
            changed(lambda data: None)
        assert "not-for-everybody" not in str(error.value)
    secret.chmod(0o600)
    secret.write_text("\n")
    with pytest.raises(DeploymentError, match="client_secret_file.*is empty"):
        changed(lambda data: None)


GATEWAY = {
    "issuer": "https://gateway.example",
    "authorization_endpoint": "https://gateway.example/auth",
    "token_endpoint": "https://gateway.example/token",
    "userinfo_endpoint": "https://gateway.example/me",
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"issuer": "https://gateway.example/"},
            "another issuer; allowed: exactly 'https://gateway",
        ),
        ({"userinfo_endpoint": None}, "userinfo_endpoint must be there"),
        ({"token_endpoint": "http://gateway.example/token"}, "token_endpoint .* https"),
        (
            {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
            "allowed: client_secret_p",
        ),
    ],
)
def test_a_provider_that_cannot_serve_is_named(settings, monkeypatch, change, words):
    said = json.dumps(GATEWAY | change).encode()
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: io.BytesIO(said))
    with pytest.raises(DeploymentError, match=f"authentication.issuer.*{words}"):
        discover(settings)


def test_a_provider_that_is_away_is_remembered(changed, monkeypatch, tmp_path, capsys):
    def away(*_, **__):
        raise OSError("connection refused")

    monkeypatch.setenv("MINGA_STATE", str(tmp_path / "state"))
    deployment = changed(lambda data: None)
    state = State(deployment)
    state.make()
    monkeypatch.setattr("urllib.request.urlopen", away)
    with pytest.raises(DeploymentError, match="issuer: https://gateway.*refused"):
        prepare(deployment, state)
    said = json.dumps(GATEWAY).encode()
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: io.BytesIO(said))
    prepare(deployment, state)
    known = state.read("openid")
    assert known["token_url"] == GATEWAY["token_endpoint"] and known["basic_auth"]
    monkeypatch.setattr("urllib.request.urlopen", away)
    prepare(deployment, state)
    assert "connection refused" in capsys.readouterr().out
    assert state.read("openid") == known
    deployment.authentication.issuer = "https://other.example"
    with pytest.raises(DeploymentError, match="issuer: https://other"):
        prepare(deployment, state)


def test_a_course_is_left_by_people_of_institutions_that_it_no_longer_admits(changed):
    deployment = changed(course(institutions=["uchile"]))
    session = orm.new_session_factory("sqlite:///:memory:")()
    orm.Base.metadata.create_all(session.get_bind())
    group = orm.Group(name="nbgrader-ai-foundations")
    other = orm.Group(name="nbgrader-somebody-elses")
    ana, luis = (orm.User(name=login_name(*who)) for who in (("uchile", "ana"), ("uandes", "luis")))
    older = orm.User(name="docente")
    for user in (ana, luis, older):
        user.groups = [group, other]
    session.add_all([ana, luis, older])
    authenticator = InstitutionalAuthenticator(deployment=deployment, allow_existing_users=True)
    for _ in range(2):  # at each start of the hub
        for user in (ana, luis, older):
            authenticator.add_user(user)
    groups = [{group.name for group in user.groups} for user in (ana, luis, older)]
    both = {"nbgrader-ai-foundations", "nbgrader-somebody-elses"}
    assert groups[0] == both | {"institution-uchile"}
    assert groups[1] == {"nbgrader-somebody-elses", "institution-uandes"}
    assert groups[2] == both
    assert ana.name in authenticator.allowed_users


class Answers:
    """An HTTP client whose every answer is the same."""

    def __init__(self, outcome):
        self.outcome = outcome

    async def fetch(self, *_, **__):
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return type("Response", (), {"body": self.outcome})


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (ConnectionRefusedError(), "no responde"),
        (HTTPClientError(599, "Timeout"), "no responde"),
        (HTTPClientError(502), "no responde"),
        (b"<html>a proxy's page</html>", "no responde"),
        (HTTPClientError(401), "no se completó"),  # e.g. a wrong client secret
    ],
)
@in_a_loop_of_its_own
async def test_what_goes_wrong_at_the_provider_is_a_sentence(changed, outcome, words):
    deployment = changed(lambda data: None)
    authenticator = InstitutionalAuthenticator(deployment=deployment, http_client=Answers(outcome))
    with pytest.raises(Refused) as refused:
        await authenticator.check_provider()
    assert refused.value.status_code == 503
    assert words in refused.value.text.render()

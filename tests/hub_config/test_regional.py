"""The example of two countries is right: it loads, and the hub can be configured from it."""

from pathlib import Path

import pytest
import yaml
from traitlets.config import Config

from hub_config import (
    authorization,
    hub,
    institutional_login,
    services,
    sessions,
    transparency,
    tunnels,
)
from hub_config.deployment import ROOT, Deployment, load
from hub_config.state import State

REGIONAL = ROOT / "hub_config" / "deployments" / "regional.yaml"


@pytest.fixture
def regional(tmp_path, monkeypatch) -> Deployment:
    """The example, with its secret and its state in folders that a test may write to."""
    secret = tmp_path / "client-secret"
    secret.write_text("only two know it\n")
    secret.chmod(0o600)
    text = REGIONAL.read_text()
    assert "/etc/minga/client-secret" in text
    file = tmp_path / "regional.yaml"
    file.write_text(text.replace("/etc/minga/client-secret", str(secret)))
    monkeypatch.setenv("MINGA_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("PORT", raising=False)
    return load(file)


def test_two_countries_log_in_and_nobody_is_root(regional):
    countries = {each.country for each in regional.authentication.institutions.values()}
    assert countries == {"CL", "CO"}
    assert set(regional.sites) == {"chile", "colombia"} and regional.accounts == "personal"
    assert regional.hub.loopback  # the reverse proxy is what people reach
    assert regional.exchange_url == "https://minga.example/services/exchange/"
    student = regional.courses["supercomputing"].students[0]
    assert student.startswith("uandes-") and student in regional.courses["ai-foundations"].students


def test_every_key_of_an_installation_is_shown_in_it():
    """A key that nobody sees in the example is one that nobody finds."""
    shown = yaml.safe_load(REGIONAL.read_text())
    # Institutions are those that people log in with.
    assert set(Deployment.model_fields) - set(shown) == {"institutions"}


def test_the_hub_can_be_configured_from_it(regional, monkeypatch):
    monkeypatch.setenv("PGHOST", "db.minga.example")
    monkeypatch.setenv("PGPASSWORD", "the hub's")
    state = State(regional)
    state.make()
    ports = {name: 20000 + n for n, name in enumerate(["hub", "proxy"])}
    state.write("ports", ports | dict.fromkeys(services.port_names(regional), 21000))
    endpoints = ("authorize_url", "token_url", "userdata_url")
    state.write("openid", dict.fromkeys(endpoints, "https://x") | {"basic_auth": False})
    c = Config()
    for part in (hub, authorization, sessions, tunnels, services, institutional_login):
        part.configure(c, regional, state)
    assert c.JupyterHub.db_url == "postgresql+psycopg://minga@/minga"
    assert c.JupyterHub.bind_url == "http://127.0.0.1:8000"
    assert c.MingaSpawner.hub_connect_url == "https://minga.example/"
    assert c.InstitutionalAuthenticator.oauth_callback_url.startswith("https://minga.example/")
    formgrader = next(s for s in c.JupyterHub.services if s["name"] == "ai-foundations")
    assert formgrader["environment"]["PGHOST"] == "db.minga.example"
    assert "PGPASSWORD" not in formgrader["environment"]
    assert transparency.settings(regional, state).exchange == regional.exchange.database
    colombia = c.MingaSpawner.sites["colombia"]
    # A key that starts one program, and sessions that come to the hub by themselves.
    assert colombia.gate[0] == "ssh" and colombia.gate[-1] == "minga@login.colombia.example"
    assert colombia.tunnel and colombia.listen == "127.0.0.1"
    assert colombia.runs_as("ana") == "ana" and colombia.query_prefix == []
    assert c.MingaSpawner.doors.address == "minga.example" and c.MingaSpawner.doors.port == 2222
    assert not list(Path(state.root).rglob("*.sqlite"))

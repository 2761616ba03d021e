"""How many sessions a person may have, as JupyterHub counts them."""

import pytest
import yaml
from traitlets.config import Config

from hub_config import hub
from hub_config.deployment import DEFAULT, DeploymentError, load
from hub_config.state import State


def configured(tmp_path, monkeypatch, **changes) -> Config:
    file = tmp_path / "deployment.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(DEFAULT.read_text()) | changes))
    monkeypatch.setenv("MINGA_STATE", str(tmp_path))
    deployment = load(file)
    state = State(deployment)
    state.make()
    state.write("ports", {"hub": 1, "proxy": 2})
    hub.configure(c := Config(), deployment, state)
    return c


@pytest.mark.parametrize(("sessions", "named"), [(1, None), (2, 1), (5, 4)])
def test_one_is_without_a_name_and_the_others_are_named(tmp_path, monkeypatch, sessions, named):
    c = configured(tmp_path, monkeypatch, sessions_per_person=sessions)
    assert c.JupyterHub.allow_named_servers is (named is not None)
    if named:  # 0 would be no limit at all
        assert c.JupyterHub.named_server_limit_per_user == named


def test_two_by_default(tmp_path, monkeypatch):
    assert configured(tmp_path, monkeypatch).JupyterHub.named_server_limit_per_user == 1


@pytest.mark.parametrize("sessions", [0, -1, 21, "many", 1.5])
def test_no_other_number(tmp_path, monkeypatch, sessions):
    with pytest.raises(DeploymentError, match="sessions_per_person"):
        configured(tmp_path, monkeypatch, sessions_per_person=sessions)

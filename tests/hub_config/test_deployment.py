"""A deployment file is right, or the start says where it is wrong."""

import pytest
import yaml

from hub_config.deployment import DEFAULT, DeploymentError, load


@pytest.fixture
def changed(tmp_path):
    """Return a function that loads local.yaml with one change."""

    def load_changed(change):
        data = yaml.safe_load(DEFAULT.read_text())
        change(data)
        file = tmp_path / "changed.yaml"
        file.write_text(yaml.safe_dump(data, sort_keys=False))
        return load(file)

    return load_changed


def test_the_default_deployment_is_right():
    deployment = load(DEFAULT)
    assert set(deployment.sites) == {"chile", "colombia"}
    assert deployment.hub.loopback


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(sitios={}), ["sitios", "no such key", "sites"]),
        (lambda d: d["hub"].update(prot=1), ["hub.prot", "no such key", "address, internal_tls, port"]),
        (lambda d: d["hub"].update(port="eight"), ["hub.port", "integer", "'eight'"]),
        (lambda d: d["hub"].update(port=70000), ["hub.port", "65535", "70000"]),
        (lambda d: d.pop("sites"), ["sites", "missing"]),
        (lambda d: d.update(accounts="alle"), ["accounts", "'shared'", "'personal'"]),
        (lambda d: d["sites"].update({"Bogotá": {}}), ["sites.Bogotá", "match"]),
        (
            lambda d: d["profiles"]["gpu"].update(sites=["peru"]),
            ["profiles.gpu.sites", "peru", "chile, colombia"],
        ),
        (lambda d: d["courses"].update(alquimia={}), ["courses.alquimia", "supercomputing"]),
        (
            lambda d: d["courses"]["supercomputing"]["students"].append("nadie"),
            ["courses.supercomputing.students", "nadie", "estudiante1"],
        ),
        (
            lambda d: d["sites"]["chile"].update(user_prefix=["sudo", "-u", "{username}"]),
            ["sites.chile.user_prefix", "shared"],
        ),
        (
            lambda d: d["sites"]["chile"]["private_cluster"]["nodes"][0].update(gpus=99),
            ["sites.chile.private_cluster.nodes.0.gpus", "16"],
        ),
    ],
)
def test_a_mistake_is_named_with_file_key_reason_and_what_is_allowed(changed, change, words):
    with pytest.raises(DeploymentError) as error:
        changed(change)
    for word in ["changed.yaml:", *words]:
        assert word in str(error.value)


def test_the_line_is_the_line_of_the_key(tmp_path):
    text = DEFAULT.read_text().replace("  port: 8000", "  port: high")
    file = tmp_path / "lines.yaml"
    file.write_text(text)
    line = text.splitlines().index("  port: high") + 1
    with pytest.raises(DeploymentError, match=f"lines.yaml:{line}: hub.port"):
        load(file)


def test_a_key_given_twice_is_refused(tmp_path):
    file = tmp_path / "twice.yaml"
    file.write_text(DEFAULT.read_text() + "\ntitle: again\n")
    with pytest.raises(DeploymentError, match="title.*twice"):
        load(file)


@pytest.mark.parametrize("text", ["a: [", "- 1", "", "\x00"])
def test_what_is_no_deployment_is_refused(tmp_path, text):
    file = tmp_path / "nonsense.yaml"
    file.write_text(text)
    with pytest.raises(DeploymentError, match=r"nonsense\.yaml"):
        load(file)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DeploymentError, match=r"nowhere\.yaml"):
        load(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.1", "::", "hub.example.org"])
def test_a_tryout_is_never_open_to_other_machines(changed, address):
    """Shared accounts and try-out passwords exist on loopback only."""
    with pytest.raises(DeploymentError, match="accounts.*loopback"):
        changed(lambda d: d["hub"].update(address=address))

    def personal(d):
        d["hub"]["address"] = address
        d["accounts"] = "personal"
        for course in d["courses"].values():
            course["account"] = "minga-grader"
        for site in d["sites"].values():
            site["user_prefix"] = ["sudo", "-n", "-u", "{username}", "--"]

    with pytest.raises(DeploymentError, match="authentication.method.*loopback"):
        changed(personal)


@pytest.mark.parametrize("port", ["0", "65536", "80;id", "٣", "-1"])
def test_a_wrong_PORT_is_refused(monkeypatch, port):
    monkeypatch.setenv("PORT", port)
    with pytest.raises(DeploymentError, match="PORT"):
        load(DEFAULT).port  # noqa: B018


def test_PORT_moves_the_port(monkeypatch):
    monkeypatch.setenv("PORT", "8123")
    assert load(DEFAULT).port == 8123

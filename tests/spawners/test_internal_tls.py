"""JupyterHub's internal TLS: hub, proxy, session and formgrader trust only each other."""

import os
import pwd
import socket
import ssl
import subprocess
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import psutil
import pytest
import requests
import yaml
from certipy import Certipy
from cryptography import x509

from hub_config.deployment import DEFAULT
from hub_config.internal_tls import ServiceSpawner
from spawners.certificates import issue
from spawners.launcher import write_files
from spawners.sites import SchedulerError, SlurmSite
from tests.conftest import Minga, free_port, in_a_loop_of_its_own
from tests.spawners.test_sessions import (
    CHOICE,
    hub_log,
    nothing_left,
    queue,
    run_in_kernel,
    session_environment,
    slurm,
)


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory):
    """A whole Minga whose parts speak TLS among themselves."""
    folder = tmp_path_factory.mktemp("tls")
    deployment = yaml.safe_load(DEFAULT.read_text())
    deployment["hub"]["internal_tls"] = True
    del deployment["courses"]["supercomputing"]
    (folder / "tls.yaml").write_text(yaml.safe_dump(deployment))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINGA_DEPLOYMENT", str(folder / "tls.yaml"))
        minga = Minga(folder / "state", free_port()).start()
        yield minga
        if minga.launcher.poll() is None:
            minga.interrupt()
        nothing_left(minga)


def handshake(address: tuple[str, int], context: ssl.SSLContext) -> bytes:
    """Say one line of HTTP over TLS; return the first bytes of the answer."""
    with (
        socket.create_connection(address, timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=address[0]) as connection,
    ):
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return connection.recv(12)


@pytest.mark.slow
def test_a_real_session_speaks_tls_to_hub_and_proxy(encrypted, monkeypatch):
    minga = encrypted
    person = minga.login("estudiante1")
    person.start(**CHOICE)
    kernel, output = run_in_kernel(person, "kept = 6 * 7\nprint(kept)")  # through the proxy
    assert output.strip() == "42", hub_log(minga)
    environment = session_environment(minga, "estudiante1")
    home = Path(environment["HOME"])
    for name in ("KEYFILE", "CERTFILE", "CLIENT_CA"):
        file = Path(environment[f"JUPYTERHUB_SSL_{name}"])
        assert file.is_relative_to(home / ".minga" / "tls")
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700
        assert file.stat().st_uid == os.geteuid()
    # The key is in no process's arguments or environment, nor on the hub's side.
    key = Path(environment["JUPYTERHUB_SSL_KEYFILE"]).read_text()
    secret = key.splitlines()[1]
    for process in psutil.process_iter():
        try:
            assert secret not in f"{process.cmdline()}{process.environ()}"
        except psutil.Error:
            continue
    held = subprocess.run(
        ["grep", "-rlF", secret, str(minga.state)], capture_output=True, text=True
    )
    assert held.stdout.split() == [environment["JUPYTERHUB_SSL_KEYFILE"]]

    certificate = x509.load_pem_x509_certificate(
        Path(environment["JUPYTERHUB_SSL_CERTFILE"]).read_bytes()
    )
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert str(names.get_values_for_type(x509.IPAddress)[0]) == "127.0.0.1"
    assert environment["JUPYTERHUB_API_URL"].startswith("https://")
    service = urlsplit(environment["JUPYTERHUB_SERVICE_URL"])
    assert service.scheme == "https"
    address = (service.hostname, service.port)

    # Without a certificate of the hub nobody speaks to the server, another student included.
    stranger = ssl.create_default_context(cafile=_trusted(minga, "hub-ca"))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        assert handshake(address, stranger) == b""
        raise ConnectionError
    assert _as_student(minga, address) is None
    hub = Certipy(store_dir=str(minga.state / "hub" / "internal-tls")).store
    files = hub.get_record("hub-internal")["files"]
    stranger.load_cert_chain(files["cert"], files["key"])
    assert handshake(address, stranger).startswith(b"HTTP/1.")
    with pytest.raises(requests.RequestException):  # nor in the clear
        requests.get(f"http://{service.netloc}/", timeout=10)

    # A formgrader and nbgrader's question to the hub work as without TLS.
    teacher = minga.login("profesora")
    page = teacher.http.get(f"{minga.url}/services/ai-foundations/formgrader")
    assert page.status_code == 200, page.text[:500]
    listed = requests.get(
        f"{minga.url}/user/estudiante1/courses",  # nbgrader's assignment list
        headers={"Authorization": f"token {person.token}"},
        timeout=30,
    ).json()
    assert listed == {"success": True, "value": ["ai-foundations"]}, hub_log(minga)

    # A restarted hub speaks TLS to the session that it finds.
    monkeypatch.setenv("MINGA_DEPLOYMENT", str(minga.state.parent / "tls.yaml"))
    os.kill(minga.hub_pid, 9)
    minga.launcher.wait(timeout=60)
    minga.start()
    person.wait_for_server(30)
    assert run_in_kernel(person, "print(kept)", kernel)[1].strip() == "42"
    assert queue(minga, "colombia")
    person.stop()


def _trusted(minga, authority: str) -> str:
    store = Certipy(store_dir=str(minga.state / "hub" / "internal-tls")).store
    files = [store.get_record(name)["files"]["cert"] for name in (authority, "notebooks-ca")]
    bundle = minga.state.parent / "bundle.pem"
    bundle.write_text("".join(Path(file).read_text() for file in files))
    return str(bundle)


def _as_student(minga, address) -> bytes | None:
    """What the server of one student says to the certificate of another; None: nothing."""
    own = issue(str(minga.state / "hub" / "internal-tls"), "estudiante2", ["127.0.0.1"])
    pair = minga.state.parent / "estudiante2.pem"
    pair.write_text(own.key + own.certificate)
    context = ssl.create_default_context(cafile=_trusted(minga, "hub-ca"))
    context.load_cert_chain(pair)
    try:
        return handshake(address, context) or None
    except (ssl.SSLError, ConnectionError):
        return None


@pytest.mark.slow
def test_a_site_that_names_no_nodes_refuses_with_a_sentence(encrypted):
    minga = encrypted
    person = minga.login("estudiante2")
    slurm(minga, "chile", "scontrol", "shutdown", "slurmctld")
    answer = person.api("POST", "/users/estudiante2/server", json={**CHOICE, "site": "chile"})
    assert answer.status_code == 503, answer.text
    assert "no responde" in answer.json()["message"]
    minga.interrupt()


@in_a_loop_of_its_own
async def test_the_last_known_nodes_are_good_while_slurm_is_silent(tmp_path):
    program = tmp_path / "sinfo"
    program.write_text("#!/bin/sh\nprintf 'n1\\nn2\\nn1\\n'\n")
    program.chmod(0o755)
    site = SlurmSite("far", environment={"PATH": str(tmp_path)})
    assert await site.nodes() == ["n1", "n2"]
    program.write_text("#!/bin/sh\nexit 1\n")
    assert await site.nodes() == ["n1", "n2"]  # within ten minutes nobody is asked
    site._nodes = (float("-inf"), ["n1", "n2"])
    assert await site.nodes() == ["n1", "n2"]
    site._nodes = (float("-inf"), [])
    with pytest.raises(SchedulerError):
        await site.nodes()


def test_a_certificate_names_hosts_and_addresses_and_its_person(tmp_path):
    Certipy(store_dir=str(tmp_path)).create_ca("notebooks-ca")
    own = issue(str(tmp_path), "ñandú" + "x" * 80, ["n1", "DNS:n1", "10.0.0.7", "IP:::1"])
    certificate = x509.load_pem_x509_certificate(own.certificate.encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["n1"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.7", "::1"]
    assert "BEGIN PRIVATE KEY" in own.key


@pytest.mark.parametrize(
    "name", ["../.bashrc", "tls/0123456789abcdef/../key.pem", "/etc/passwd", "tls/x/key.pem", ""]
)
def test_the_launcher_writes_nothing_but_certificates(tmp_path, name):
    with pytest.raises(ValueError, match="certificate"):
        write_files(str(tmp_path), {name: "x"})
    assert list(tmp_path.iterdir()) == []


def test_a_new_certificate_replaces_the_old_one_whole(tmp_path):
    name = "tls/0123456789abcdef/key.pem"
    for text in ("one", "two"):
        write_files(str(tmp_path), {name: text})
    file = tmp_path / ".minga" / name
    assert file.read_text() == "two"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["key.pem"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another account")
def test_a_formgrader_with_an_account_of_its_own_reads_its_certificate(tmp_path, monkeypatch):
    certipy = Certipy(store_dir=str(tmp_path / "hub"))
    bundles = certipy.trust_from_graph({"notebooks-ca": ["hub-ca"]})
    monkeypatch.setattr(ServiceSpawner, "certificates", tmp_path / "services", raising=False)
    (tmp_path / "services").mkdir()
    account = pwd.getpwnam("nobody")
    spawner = ServiceSpawner(
        user=SimpleNamespace(name="nobody", id=1, url="", settings={}),
        _service_name="ai-foundations",
        internal_certs_location=str(tmp_path / "hub"),
        internal_trust_bundles=bundles,
    )
    for _ in range(2):  # a service that is started again
        paths = in_a_loop_of_its_own(spawner.create_certs)()
    for name in ("keyfile", "certfile", "cafile"):
        file = Path(paths[name])
        assert file.parent == tmp_path / "services" / "ai-foundations"
        assert (file.stat().st_uid, file.stat().st_mode & 0o777) == (account.pw_uid, 0o600)
        # The folder stays the hub's: root writes nothing through a service's own links.
        assert (file.parent.stat().st_uid, file.parent.stat().st_mode & 0o777) == (0, 0o711)

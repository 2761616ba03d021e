"""One hub, one country, and what lies between them, for the tests of this folder."""

import asyncio
import os
import shutil
import ssl
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hub_config import tunnels
from hub_config.deployment import DEFAULT, DeploymentError
from spawners.cluster import packages
from tests.conftest import Minga, free_port

from .country import NAME, Country, elsewhere, openssh_libraries

NEEDS = [
    (lambda: os.geteuid() == 0, "only root can make a network namespace"),
    (lambda: os.path.exists("/dev/net/tun"), "there is no /dev/net/tun"),
    (lambda: all(map(shutil.which, ("ip", "nsenter", "unshare", "ssh"))), "iproute2, ssh"),
    (lambda: _can("unshare", "--mount", "--pid", "--fork", "true"), "no namespaces here"),
]


def _can(*command: str) -> bool:
    return subprocess.run(command, capture_output=True).returncode == 0


@pytest.fixture(scope="session")
def openssh(slurm_installation):
    """Debian's sshd: installed, or unpacked beside the checkout's other fetched programs."""
    try:
        return tunnels.program()
    except DeploymentError:
        pass
    try:
        packages.unpack(tunnels.FETCHED, ("openssh-server",))
    except OSError as error:
        pytest.skip(f"sshd cannot be had: {error}")
    return tunnels.program()


class Regional:
    """A running Minga with a site on its own machine and one in another country."""

    def __init__(self, folder: Path, port: int):
        self.folder = folder
        self.state = folder / "state"
        self.state.mkdir()
        self.country = Country(folder / "country", hidden=self.state)
        self.minga = Minga(self.state, port)
        # Where sessions of the site speak to the hub: TLS, as at an installation's nginx.
        self.front = TlsFront(self.country.link.here, port)
        self.key = folder / "key"

    def start(self) -> None:
        self.country.let_in(self.key)
        self.country.start()
        self.front.start(self.country.folder)
        (self.folder / "host_keys").write_text(self.country.host_keys)
        file = self.folder / "regional.yaml"
        file.write_text(yaml.safe_dump(self.deployment(), sort_keys=False))
        self.minga.environment = {
            **self.minga.environment,
            **openssh_libraries(),
            "MINGA_DEPLOYMENT": str(file),
            "SSL_CERT_FILE": str(self.folder / "ca.pem"),  # for formgraders
        }
        # The hub does not see the country's folders, as the country does not see the hub's.
        away = elsewhere(self.folder, self.country.folder, Path.home())
        self.minga.prefix = ["unshare", "--mount", *away]
        self.minga.start()

    def deployment(self) -> dict:
        link, data = self.country.link, yaml.safe_load(DEFAULT.read_text())
        data["courses"] = {"ai-foundations": data["courses"]["ai-foundations"]}
        data["hub"]["url"] = self.front.url
        data["tunnels"] = {"address": link.here, "port": free_port(), "listen": link.here}
        trusted, here = (str(place / "ca.pem") for place in (self.country.folder, self.folder))
        data["sites"]["chile"]["environment"] = {"SSL_CERT_FILE": here, "REQUESTS_CA_BUNDLE": here}
        data["sites"][NAME] = {
            "title": data["sites"][NAME]["title"],
            "partition": "gpu",
            "ssh": {
                "login": f"root@{link.there}",
                "key_file": str(self.key),
                "host_keys_file": str(self.folder / "host_keys"),
            },
            "tunnel": True,
            "home": f"{self.country.homes}/{{username}}",
            "environment": {
                **self.country.cluster().environment(),
                "SSL_CERT_FILE": trusted,
                "REQUESTS_CA_BUNDLE": trusted,
            },
        }
        return data

    def close(self) -> None:
        try:
            if self.minga.launcher and self.minga.launcher.poll() is None:
                self.minga.interrupt()
        finally:
            self.front.close()
            self.country.close()


@pytest.fixture(scope="module")
def regional(openssh, tmp_path_factory):
    for there, why in NEEDS:
        if not there():
            pytest.skip(why)
    made = Regional(tmp_path_factory.mktemp("remote"), free_port())
    try:
        made.start()
        yield made
    finally:
        made.close()


class TlsFront:
    """What an installation's reverse proxy is for sessions: TLS, and the hub's proxy behind."""

    def __init__(self, address: str, behind: int):
        self.address, self.behind, self.port = address, behind, free_port()
        self.url = f"https://{address}:{self.port}/"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self, folder: Path) -> None:
        """Listen, with a certificate that signs itself; `folder`/ca.pem is whom to trust."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(_certificate(self.address, folder))
        self._thread.start()
        listen = asyncio.start_server(self._pass_on, self.address, self.port, ssl=context)
        asyncio.run_coroutine_threadsafe(listen, self._loop).result(10)

    async def _pass_on(self, reader, writer) -> None:
        try:
            behind = await asyncio.open_connection("127.0.0.1", self.behind)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pump(reader, behind[1]), _pump(behind[0], writer))

    def close(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)


async def _pump(reader, writer) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


def _certificate(address: str, folder: Path) -> Path:
    """Return a file with a key and a certificate for `address`; write ca.pem to `folder`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "minga.example")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    for place in (folder, folder.parent):
        (place / "ca.pem").write_bytes(public)
    both = folder.parent / "front.pem"
    both.write_bytes(key.private_bytes(serialization.Encoding.PEM, *form) + public)
    return both

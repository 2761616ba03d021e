"""A session's own certificate, for JupyterHub's internal TLS.

JupyterHub's way is an RSA key (a tenth of a second of the hub's only thread) in a file of the
hub's machine, one for each person. Here each start gets a key on an elliptic curve, made in
memory, never written on the hub's machine: it travels to the site inside the launcher's request,
on standard input, and lies in the person's home there, readable by that account only.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from certipy import Certipy
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from jupyterhub.utils import maybe_future

from .sites import SchedulerError, refusal

# The hub's name for the authority that signs servers of people.
AUTHORITY = "notebooks-ca"
# A job may wait long in the queue and be prolonged; clocks of nodes are not the hub's.
LIFETIME = timedelta(days=365)
CLOCK_SKEW = timedelta(days=1)


@dataclass(frozen=True)
class Certificate:
    """A private key and its certificate, as PEM."""

    key: str
    certificate: str


def issue(store: str, person: str, hosts: list[str]) -> Certificate:
    """Return a certificate for a server of `person` that is reached as any of `hosts`.

    `store` is JupyterHub's `internal_certs_location`; `hosts` are names or IP addresses.
    """
    certipy = Certipy(store_dir=store)
    authority = certipy.store.get_files(AUTHORITY)
    issuer, issuer_key = authority.cert.load(), authority.key.load()
    key = ec.generate_private_key(ec.SECP256R1())
    usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    now = datetime.now(UTC)
    certificate = certipy.sign(
        certipy.create_request(key, CN=_shortened(f"user-{person}")),
        (issuer, issuer_key),
        (now - CLOCK_SKEW, now + LIFETIME),
        extensions=[
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (x509.ExtendedKeyUsage(usage), True),
            (x509.SubjectAlternativeName(list(dict.fromkeys(map(_name, hosts)))), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), False),
        ],
    )
    return Certificate(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        certificate.public_bytes(Encoding.PEM).decode(),
    )


def _shortened(name: str) -> str:
    return name.encode()[:64].decode(errors="ignore")  # X.509's limit, in bytes


def _name(host: str) -> x509.GeneralName:
    """Return `host`, also as JupyterHub writes it (`DNS:name`, `IP:address`), for X.509."""
    host = host.removeprefix("DNS:").removeprefix("IP:")
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _text(file: str) -> str:
    return Path(file).read_text()


class InternalTLS:
    """The part of MingaSpawner that JupyterHub asks for certificates."""

    certificate_files: dict[str, str] | None = None  # what goes to the site, below ~/.minga

    async def create_certs(self) -> dict[str, str]:
        """Issue the certificate of this start; return its paths on the site.

        It names every node of the site, since Slurm chooses the node later, and another one
        when it requeues the job. Raises SessionError if the site does not tell its nodes.
        """
        site = self.sites[self.choice.site]
        try:
            nodes = await site.nodes()
        except (SchedulerError, OSError, TimeoutError) as error:
            raise self._not_accepted(site, refusal(str(error)), f"sinfo: {error}") from error
        more = self.ssl_alt_names
        more = await maybe_future(more(self)) if callable(more) else more
        local = ["localhost", "127.0.0.1"] if self.ssl_alt_names_include_local else []
        hosts = [*local, *(site.address(node) for node in nodes), *more]
        own = issue(self.internal_certs_location, self.user.name, hosts)
        trusted = _text(self.internal_trust_bundles[AUTHORITY])
        # One folder a session, used again at its next start: nothing piles up in the home.
        folder = f"tls/{hashlib.sha256(self.name.encode()).hexdigest()[:16]}"
        self.certificate_files = {
            f"{folder}/key.pem": own.key,
            f"{folder}/cert.pem": own.certificate,
            f"{folder}/trusted.pem": trusted,
        }
        home = self.home(self)
        names = ("keyfile", "certfile", "cafile")
        return {
            name: f"{home}/.minga/{path}"
            for name, path in zip(names, self.certificate_files, strict=True)
        }

    async def move_certs(self, paths):
        """Return `paths`: the launcher writes the files when it hands the job in."""
        return paths

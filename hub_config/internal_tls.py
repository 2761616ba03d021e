"""TLS between hub, proxy, sessions and formgraders, with certificates from the hub's own CAs.

JupyterHub's internal TLS: each side shows a certificate and checks the other's. What people see
at the proxy's address is not changed by it.
"""

import os
import pwd
from pathlib import Path

from jupyterhub.app import JupyterHub
from jupyterhub.services import service

from .deployment import Deployment
from .state import State


def configure(c, deployment: Deployment, state: State) -> None:
    """Turn internal TLS on if the deployment wants it; call it after the services are set."""
    if not deployment.hub.internal_tls:
        return
    c.JupyterHub.internal_ssl = True
    c.JupyterHub.internal_certs_location = str(state.hub / "internal-tls")
    for part, key in ((c.JupyterHub, "hub_bind_url"), (c.ConfigurableHTTPProxy, "api_url")):
        part[key] = part[key].replace("http://", "https://", 1)
    for entry in c.JupyterHub.services:
        # These are public and their servers speak plain HTTP, on loopback; some serve nothing.
        if entry["name"] not in ("book", "transparency") and "url" in entry:
            entry["url"] = entry["url"].replace("http://", "https://", 1)
    ServiceSpawner.certificates = state.root / "services-tls"
    ServiceSpawner.certificates.mkdir(exist_ok=True)
    ServiceSpawner.certificates.chmod(0o711)
    service._ServiceSpawner = ServiceSpawner
    JupyterHub.start_service = _start_service


_stock_start_service = JupyterHub.start_service


async def _start_service(app, name, managed, ssl_context=None) -> bool:
    """Start a service, and look whether it answers with a client's TLS context.

    JupyterHub 6.1.1 passes the one that its own server listens with, which cannot connect; left
    out, the method makes the right one.
    """
    return await _stock_start_service(app, name, managed)


class ServiceSpawner(service._ServiceSpawner):
    """JupyterHub's starter of services, whose certificates a service's own account can read.

    JupyterHub leaves them in the hub's folder, under one name for all services of an account.
    """

    certificates: Path  # one folder a service, which its account alone reads

    async def create_certs(self) -> dict[str, str]:
        """Return the paths of this service's certificates."""
        paths = await super().create_certs()
        folder = self.certificates / self._service_name
        folder.mkdir(exist_ok=True)
        # The folder stays the hub's: what root writes must not go through a service's own links.
        os.chown(folder, os.geteuid(), os.getegid())
        folder.chmod(0o711)
        owner = pwd.getpwnam(self.user.name) if self.user.name else None
        copies = {name: folder / Path(path).name for name, path in paths.items()}
        for name, copy in copies.items():
            _copy_anew(Path(paths[name]), copy, owner)
        return {name: str(copy) for name, copy in copies.items()}


def _copy_anew(source: Path, copy: Path, owner: pwd.struct_passwd | None) -> None:
    """Make a copy that `owner` alone reads; what was there is not written through."""
    copy.unlink(missing_ok=True)
    with open(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(source.read_bytes())
        if owner:
            os.fchown(file.fileno(), owner.pw_uid, owner.pw_gid)

"""Start the exchange service as JupyterHub does: `python -m exchange.service`."""

import logging
import os
import ssl
import sys

import uvicorn

from .app import create
from .settings import Settings, SettingsError


def main() -> int:
    """Run until a signal; return the exit status."""
    os.umask(0o077)
    logging.basicConfig(
        level=logging.INFO, format="[%(levelname).1s %(asctime)s %(name)s] %(message)s"
    )
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # the answer says it already
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        print(f"exchange.service: {error}", file=sys.stderr)
        return 2
    tls = {}
    if settings.keyfile:
        # JupyterHub's internal TLS: whoever connects shows a certificate of the same authority.
        tls = {
            "ssl_keyfile": settings.keyfile,
            "ssl_certfile": settings.certfile,
            "ssl_ca_certs": settings.client_ca,
            "ssl_cert_reqs": ssl.CERT_REQUIRED,
        }
    server = uvicorn.Server(
        uvicorn.Config(
            create(settings),
            host=settings.host,
            port=settings.port,
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=20,
            **tls,
        )
    )
    server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())

"""Serve the page of use to everybody, without login or script, and have it built every hour."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

from tornado.httpserver import HTTPServer
from tornado.web import Application

from book.serve import Files
from book.serve import application as serve_files

from .settings import Settings

PREFIX = "/services/transparency"
HOUR = 3600
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class UseFiles(Files):
    """Page, CSV and JSON, always fresh."""

    def set_extra_headers(self, path: str) -> None:
        """Say what the page may load, which is its own style sheets."""
        super().set_extra_headers(path)
        self.set_header("Content-Security-Policy", POLICY)
        self.set_header("Cache-Control", "no-cache")


def application(site: Path, prefix: str = PREFIX) -> Application:
    """Return the web application that serves the folder `site` under `prefix`."""
    return serve_files(site, prefix, UseFiles)


async def build_for_ever(pause: float = HOUR) -> None:
    """Build the page again and again, each time in a process of its own."""
    while True:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "transparency", "build"
        )
        failed = await process.wait()  # it has said why
        await asyncio.sleep(pause / 60 if failed else pause)


async def serve(settings: Settings, address: str, port: int, prefix: str) -> None:
    """Serve and build until the process is told to end."""
    server = HTTPServer(application(settings.site, prefix))
    server.listen(port, address)
    building = asyncio.create_task(build_for_ever())
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()
    building.cancel()
    server.stop()


def run(settings: Settings) -> None:
    """Serve where the hub says (JUPYTERHUB_SERVICE_URL, JUPYTERHUB_SERVICE_PREFIX)."""
    service = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    prefix = os.environ.get("JUPYTERHUB_SERVICE_PREFIX", PREFIX).rstrip("/")
    settings.site.mkdir(exist_ok=True)
    asyncio.run(serve(settings, service.hostname, service.port, prefix))

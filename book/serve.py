"""Serve the built book: `python -m book.serve`, as a service of the hub or on its own.

The hub says where to listen (JUPYTERHUB_SERVICE_URL) and under which path
(JUPYTERHUB_SERVICE_PREFIX). The book is public: no login, no cookie of its own.
"""

import argparse
import asyncio
import os
import re
import signal
from pathlib import Path
from urllib.parse import urlsplit

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.web import (
    Application,
    GZipContentEncoding,
    RedirectHandler,
    RequestHandler,
    StaticFileHandler,
)

from book.build import BUILD, PREFIX
from book.in_browser import FOLDER
from book.sources import LANGUAGES, SOURCE_LANGUAGE

# Everything comes from this host. 'unsafe-eval' is for ipywidgets' player, which compiles the
# schemas of its saved state; 'unsafe-inline' for the styles that KaTeX writes at build.
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "base-uri 'none'; form-action 'self'"
)

# What a reader runs in JupyterLite may ask for what is below the book, and not for the hub's
# pages, which would answer with the reader's own rights. Its worker's script begins as a blob.
RUNNING = "; worker-src 'self' blob:; frame-src 'none'; connect-src {where}"
HEARTBEAT = "/api/service-worker-heartbeat"  # which JupyterLite's own service worker answers
# What never changes: names with a hash in the book's own folders, and JupyterLite's.
HASHED = re.compile(r"^(?!lite/).*/(build|assets)/(?!widgets/)|^lite/.*\.[0-9a-f]{7,}\.js$")


def preferred_language(request: HTTPServerRequest) -> str:
    """Return the language a reader chose before, or the browser's first that the book has."""
    cookie = request.cookies.get("minga_language")
    if cookie is not None and cookie.value in LANGUAGES:
        return cookie.value
    wanted = []
    for place, part in enumerate(request.headers.get("Accept-Language", "").split(",")):
        tag, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), place, tag[:2].lower()))
        except ValueError:
            continue
    found = (tag for weight, _, tag in sorted(wanted) if tag in LANGUAGES and weight < 0)
    return next(found, SOURCE_LANGUAGE)


class FrontDoor(RequestHandler):
    """The book's root: on to the reader's language."""

    def get(self) -> None:
        """Redirect; no cache may keep one reader's answer for another."""
        self.set_header("Vary", "Accept-Language, Cookie")
        self.set_header("Cache-Control", "no-store")
        self.redirect(f"{self.request.path.rstrip('/')}/{preferred_language(self.request)}/")


class Files(StaticFileHandler):
    """The site's files; those with a hash in their name are kept by browsers for good."""

    def set_extra_headers(self, path: str) -> None:
        """Say what the page may load and how long it keeps."""
        age = "public, max-age=31536000, immutable" if HASHED.search(path) else "no-cache"
        self.set_header("Cache-Control", age)
        self.set_header("Content-Security-Policy", POLICY + self._of_running(path))
        self.set_header("X-Content-Type-Options", "nosniff")

    def _of_running(self, path: str) -> str:
        if not path.startswith(f"{FOLDER}/"):
            return ""
        # A path is named together with its host: the one that the reader asked.
        host, prefix = self.request.host, self.settings["prefix"]
        if not re.fullmatch(r"[\w.-]+(:\d+)?", host):
            return RUNNING.format(where="'self'")
        return RUNNING.format(where=f"{host}{prefix}/ {host}{HEARTBEAT}")

    def write_error(self, status_code: int, **kwargs) -> None:
        """Answer with the book's own page where there is nothing, in the address's language."""
        language = next((x for x in LANGUAGES if self.path.startswith(f"{x}/")), SOURCE_LANGUAGE)
        page = Path(self.root) / language / "404.html"
        if status_code == 404 and page.is_file():
            self.finish(page.read_text(encoding="utf-8"))
        else:
            super().write_error(status_code, **kwargs)


class Compressed(GZipContentEncoding):
    """Compresses what Tornado does, and the 9 MB of Python itself."""

    CONTENT_TYPES = GZipContentEncoding.CONTENT_TYPES | {"application/wasm"}


def application(
    site: Path, prefix: str = PREFIX, handler: type[StaticFileHandler] = Files
) -> Application:
    """Return the web application that serves the folder `site` under `prefix`."""
    root = re.escape(prefix.rstrip("/"))
    files = {"path": str(site), "default_filename": "index.html"}
    return Application(
        [
            (rf"{root}/", FrontDoor),
            (root, RedirectHandler, {"url": f"{prefix.rstrip('/')}/", "permanent": False}),
            (rf"{root}/(.*)", handler, files),
        ],
        transforms=[Compressed],
        prefix=prefix.rstrip("/"),
    )


async def serve(site: Path, address: str, port: int, prefix: str) -> None:
    """Serve until the process is told to end."""
    server = HTTPServer(application(site, prefix))
    server.listen(port, address)
    print(f"book: http://{address}:{port}{prefix}/", flush=True)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()
    server.stop()


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    service = urlsplit(os.environ.get("JUPYTERHUB_SERVICE_URL", ""))
    prefix = os.environ.get("JUPYTERHUB_SERVICE_PREFIX", PREFIX).rstrip("/")
    parser = argparse.ArgumentParser(prog="python -m book.serve", description=__doc__)
    parser.add_argument("--site", type=Path, default=BUILD / "book", metavar="DIR")
    parser.add_argument("--port", type=int, default=service.port or 8080)
    options = parser.parse_args(arguments)
    address = service.hostname or "127.0.0.1"
    asyncio.run(serve(options.site.resolve(), address, options.port, prefix))


if __name__ == "__main__":
    main()

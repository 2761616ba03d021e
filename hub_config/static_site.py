"""Serve a folder of files as a hub service: the public book. No login, nothing but GET.

python -m hub_config.static_site FOLDER        (address from JUPYTERHUB_SERVICE_URL)
"""

import asyncio
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from tornado.web import Application, StaticFileHandler


class PageHandler(StaticFileHandler):
    """A file, or the folder's index.html; unknown pages are the site's own 404.html."""

    def set_extra_headers(self, path):
        """Let browsers keep what carries a hash in its name; ask again for pages."""
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-cache")

    def write_error(self, status_code, **kwargs):
        """Show the site's own page for what is not there."""
        page = Path(self.root, "404.html")
        if status_code == 404 and page.is_file():
            self.set_header("Content-Type", "text/html; charset=utf-8")
            self.finish(page.read_bytes())
        else:
            super().write_error(status_code, **kwargs)


def application(folder: Path, prefix: str) -> Application:
    """Return the web application that shows `folder` under the URL path `prefix`."""
    return Application(
        [(prefix + "(.*)", PageHandler, {"path": str(folder), "default_filename": "index.html"})],
        compress_response=True,
    )


async def main(folder: Path) -> None:
    """Serve until the hub ends this process."""
    url = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    prefix = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
    application(folder, prefix).listen(url.port, address=url.hostname)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))

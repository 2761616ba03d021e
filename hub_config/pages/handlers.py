"""What the hub answers beside its own pages: the choice of a language, and our static files."""

import re
from hashlib import sha256
from pathlib import Path

from jupyterhub.handlers import BaseHandler
from jupyterhub.handlers.static import CacheControlStaticFilesHandler
from tornado import web

from .languages import COOKIE, LANGUAGES

STATIC = Path(__file__).parent / "static"
ONE_YEAR_DAYS = 365
# A path of this hub: one slash, then no second one and no backslash (both lead elsewhere in
# browsers), and no control characters or spaces, which browsers strip before they read a URL.
LOCAL_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


def local_path(wanted: str, otherwise: str) -> str:
    """`wanted` when it is a path on this very host, else `otherwise`."""
    return wanted if LOCAL_PATH.fullmatch(wanted) else otherwise


class LanguageHandler(BaseHandler):
    """`GET /hub/language/<code>?next=<path>`: remember the person's choice, go back."""

    def get(self, code: str) -> None:
        """Set the cookie and redirect to a local path; 404 for a language that we do not have."""
        if code not in LANGUAGES:
            raise web.HTTPError(404)
        self.set_cookie(
            COOKIE,
            code,
            path="/",
            expires_days=ONE_YEAR_DAYS,
            samesite="Lax",
            secure=self.request.protocol == "https",
        )
        self.redirect(local_path(self.get_argument("next", ""), self.hub.base_url))


def version(name: str) -> str:
    """A short hash of a static file, for its URL, so that browsers may keep it for long."""
    return sha256((STATIC / name).read_bytes()).hexdigest()[:12]


HANDLERS = [
    (r"/language/([a-z]{2})", LanguageHandler),
    (r"/minga/(.*)", CacheControlStaticFilesHandler, {"path": str(STATIC)}),
]

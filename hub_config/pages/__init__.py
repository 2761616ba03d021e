"""The hub's own pages, in the reader's language.

`configure` tells JupyterHub about them; `translate` and `N_` are for messages made in Python.
"""

from pathlib import Path

from .handlers import HANDLERS
from .languages import COOKIE, LANGUAGES, N_, SOURCE, language_of, negotiate, translate

__all__ = [
    "COOKIE",
    "LANGUAGES",
    "N_",
    "SOURCE",
    "configure",
    "language_of",
    "negotiate",
    "translate",
]

HERE = Path(__file__).parent


def configure(
    c,
    *,
    book_url: str = "/services/book/",
    titles: dict[str, dict[str, str]] | None = None,
    try_out: bool = False,
    hidden_services: tuple[str, ...] = (),
    transparency_url: str = "",
) -> None:
    """Make JupyterHub (its configuration object `c`) show our pages.

    book_url         where the book is; its languages are the folders `es/`, `en/` … below it
    titles           name of a course or service -> {"es": …, "en": …}, as shown to people
    try_out          say on the login page that this is an installation to try things out
    hidden_services  names of services that are not listed on the start page (the book has a link
                     of its own)
    transparency_url where the page of use is, with the same folders; empty: there is none
    """
    c.JupyterHub.template_paths = [str(HERE / "templates")]
    c.JupyterHub.jinja_environment_options = {"extensions": ["hub_config.pages.page.Pages"]}
    c.JupyterHub.logo_file = str(HERE / "static" / "logo.svg")
    c.JupyterHub.extra_handlers = HANDLERS
    c.JupyterHub.template_vars = {
        "book_url": book_url,
        "titles": titles or {},
        "try_out": try_out,
        "hidden_services": tuple(hidden_services),
        "transparency_url": transparency_url,
    }

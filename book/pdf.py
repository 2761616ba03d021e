"""The whole book of a language as one PDF, printed by Chromium from the page `all/`."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from book.sources import BookError

WHOLE = "all/index.html"  # made by the theme: all chapters on one page
SECONDS = 300
# Quiet, and with no way to another host.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--allow-file-access-from-files",
    "--no-pdf-header-footer",
    "--generate-pdf-document-outline",
    "--virtual-time-budget=30000",
)


def browser() -> str | None:
    """Return the Chromium on this machine, if there is one (MINGA_CHROMIUM names another)."""
    names = (os.environ.get("MINGA_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if name and (path := shutil.which(name))), None)


def can_print() -> bool:
    """Say whether a PDF can be made; if not, tell the person why there will be none."""
    if browser():
        return True
    print(
        "libro: sin PDF, porque no hay Chromium en esta máquina (apt install chromium)\n"
        "book: no PDF, since there is no Chromium on this machine (apt install chromium)"
    )
    return False


def print_book(site: Path, languages: tuple[str, ...], cache: Path, prefix: str, say=print) -> None:
    """Write `<language>/minga-<language>.pdf` into the built site.

    A language whose pages did not change keeps the PDF of last time, from `cache`. Raises
    BookError when Chromium fails.
    """
    cache.mkdir(parents=True, exist_ok=True)
    for language in languages:
        whole = site / language / WHOLE
        kept = cache / f"{language}-{_digest(whole)}.pdf"
        if not kept.exists():
            for old in cache.glob(f"{language}-*.pdf"):
                old.unlink()
            _print(site, whole, kept, prefix)
            say(f"pdf: {language}, {kept.stat().st_size / 1e6:.1f} MB")
        shutil.copy(kept, site / language / f"minga-{language}.pdf")


def _digest(whole: Path) -> str:
    # Pictures and styles have a hash of what they hold in their names.
    return hashlib.sha256(whole.read_bytes()).hexdigest()[:32]


def _print(site: Path, whole: Path, target: Path, prefix: str) -> None:
    """Print from a copy whose addresses are files: no server, no port, no network."""
    with tempfile.TemporaryDirectory(prefix="minga-pdf-") as scratch:
        root = Path(scratch) / "site"
        root.symlink_to(site.resolve())
        page = Path(scratch) / "book.html"
        text = whole.read_text(encoding="utf-8")
        for attribute in ("src", "href"):
            text = text.replace(f'{attribute}="{prefix}/', f'{attribute}="{root.as_uri()}/')
        page.write_text(text, encoding="utf-8")
        made = Path(scratch) / "book.pdf"
        command = [browser(), *FLAGS, f"--user-data-dir={scratch}/profile"]
        command += [f"--print-to-pdf={made}", page.as_uri()]
        try:
            result = subprocess.run(
                command, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise BookError(f"Chromium did not print {whole} within {SECONDS} s") from error
        if not made.exists():
            raise BookError(f"Chromium could not print {whole}:\n{result.stderr.strip()[-2000:]}")
        shutil.move(made, target)

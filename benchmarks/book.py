"""What the book weighs and how long it takes to build, beside Jupyter Book 1.

    python -m benchmarks.book --stock PYTHON     # a Python with jupyter-book==1.0.4.post1

Bytes do not depend on the machine's load; times do: run it on a quiet machine. Beside seconds it
writes processor seconds, which a busy machine changes little.
"""

import argparse
import asyncio
import json
import re
import resource
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import polib
from playwright.sync_api import sync_playwright

from benchmarks.book_report import write
from book.build import BUILD, PREFIX, build
from book.serve import application
from book.site import REPOSITORY
from book.sources import LANGUAGES, page_files, read_project

STOCK = "jupyter-book==1.0.4.post1"
CHAPTERS = 20
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
# What a page's own figures are: pictures in the text. Everything else is what a chapter costs.
FIGURE = re.compile(r"\.(svg|png|jpe?g|gif|webp)(\?|$)")


def main() -> None:
    """Measure and write docs/benchmarks/book.json, book.md and book.en.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stock", metavar="PYTHON", help=f"a Python that has {STOCK}")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "docs/benchmarks")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="minga-bench-") as name:
        folder = Path(name)
        results = {"date": time.strftime("%Y-%m-%d"), "load": Path("/proc/loadavg").read_text()[:4]}
        results["build"] = build_times(folder)
        site = build(REPOSITORY / "book", folder / "real", kept(folder / "real-work"))
        chapters = chapters_of(REPOSITORY / "book")
        with Served(site) as address:
            urls = {slug: f"{address}{PREFIX}/es/{slug}/" for slug in chapters}
            results["minga"] = {slug: first_view(url) for slug, url in urls.items()}
        if options.stock:
            pages = stock_book(options.stock, site, chapters, folder / "stock")
            with Served(pages) as address:
                urls = {slug: f"{address}{PREFIX}/{slug}.html" for slug in chapters}
                results["stock"] = {slug: first_view(url) for slug, url in urls.items()}
    (options.output / "book.json").write_text(json.dumps(results, indent=2) + "\n")
    write(results, options.output)


def kept(work: Path) -> Path:
    """Return a folder for a build's own files that has the outputs saved by earlier builds."""
    if (BUILD / "book-work/executed").is_dir():
        shutil.copytree(BUILD / "book-work/executed", work / "executed")
    return work


def chapters_of(source: Path) -> list[str]:
    """Return the slugs of the chapters that have code, in reading order."""
    files = page_files(read_project(source)["project"]["toc"])
    return [Path(f).stem for f in files if "{code-cell}" in (source / f).read_text("utf-8")]


class Served:
    """A folder served as the hub's book service serves it, compressed, while the block lasts."""

    def __init__(self, site: Path) -> None:
        self.site, self.ready = site, threading.Event()

    def __enter__(self) -> str:
        self.thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self.thread.start()
        self.ready.wait(30)
        return f"http://127.0.0.1:{self.port}"

    async def _run(self) -> None:
        from tornado.httpserver import HTTPServer
        from tornado.netutil import bind_sockets

        sockets = bind_sockets(0, "127.0.0.1")
        server = HTTPServer(application(self.site))
        server.add_sockets(sockets)
        self.port = sockets[0].getsockname()[1]
        self.loop, self.end = asyncio.get_running_loop(), asyncio.Event()
        self.ready.set()
        await self.end.wait()
        server.stop()

    def __exit__(self, *_) -> None:
        self.loop.call_soon_threadsafe(self.end.set)
        self.thread.join(10)


def first_view(url: str) -> dict:
    """Open a page with an empty cache; return bytes on the wire, requests, foreign hosts asked."""
    host = url.split("/services")[0]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        # A stricter page policy would stop requests before they are seen.
        context = browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
        page, kinds, sizes = context.new_page(), {}, {}
        foreign = set()

        def judge(route):
            foreign.add(route.request.url.split("/")[2])
            route.abort()

        context.route(lambda target: target.startswith("http") and host not in target, judge)
        wire = context.new_cdp_session(page)
        wire.send("Network.enable")
        wire.on("Network.responseReceived", lambda e: kinds.update({e["requestId"]: e["response"]}))
        wire.on(
            "Network.loadingFinished",
            lambda e: sizes.update({e["requestId"]: e["encodedDataLength"]}),
        )
        page.goto(url, wait_until="networkidle")
        page.evaluate("document.fonts.ready.then(() => null)")
        page.wait_for_timeout(2000)  # what scripts ask for after that
        browser.close()
    parts: dict[str, int] = {}
    for request, answer in kinds.items():
        if not answer["url"].startswith("data:"):
            kind = "figures" if FIGURE.search(answer["url"]) else answer["mimeType"].split("/")[-1]
            parts[kind] = parts.get(kind, 0) + int(sizes.get(request, 0))
    return {
        "bytes": sum(size for kind, size in parts.items() if kind != "figures"),
        "figures": parts.pop("figures", 0),
        "parts": dict(sorted(parts.items())),
        "requests": len(kinds),
        "foreign": sorted(foreign),
    }


def stock_book(python: str, site: Path, chapters: list[str], folder: Path) -> Path:
    """Build the same executed chapters with Jupyter Book 1; return its HTML, nothing executed."""
    folder.mkdir()
    for slug in chapters:
        shutil.copy(site / "es/notebooks" / f"{slug}.ipynb", folder)
    (folder / "_config.yml").write_text(
        "title: Minga\nexecute: {execute_notebooks: 'off'}\n"
        "parse: {myst_enable_extensions: [amsmath, colon_fence, deflist, dollarmath, tasklist]}\n"
        "sphinx: {config: {language: es}}\n"
    )
    toc = {
        "format": "jb-book",
        "root": chapters[0],
        "chapters": [{"file": x} for x in chapters[1:]],
    }
    (folder / "_toc.yml").write_text(json.dumps(toc))
    command = [str(Path(python).with_name("jupyter-book")), "build", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    pages = folder / "_build/html"
    assert all((pages / f"{slug}.html").exists() for slug in chapters)  # noqa: S101
    return pages


def build_times(folder: Path) -> dict:
    """Time builds of a book of CHAPTERS chapters in all languages: warm, and after a sentence."""
    source, work = folder / "book", kept(folder / "work")
    chapters = generate(source, CHAPTERS)
    timed = {"chapters": CHAPTERS, "languages": len(LANGUAGES)}
    build(source, folder / "site", work)  # runs what no earlier build ran
    shutil.rmtree(work / "read")
    timed["warm"] = _timed(lambda: build(source, folder / "site", work))
    text = chapters[0].read_text(encoding="utf-8")
    changed = text.replace("\n\n(", "\n\nUna frase nueva en este capítulo.\n\n(", 1)
    assert changed != text  # noqa: S101
    chapters[0].write_text(changed, encoding="utf-8")
    timed["sentence"] = _timed(lambda: build(source, folder / "site", work))
    return timed


def generate(source: Path, count: int) -> list[Path]:
    """Write a book of `count` chapters: the real ones again and again, each with its own labels."""
    book = REPOSITORY / "book"
    shutil.copytree(book, source, ignore=shutil.ignore_patterns("theme", "_build", "*.py"))
    real = chapters_of(book)
    made = []
    for number in range(count):
        slug = real[number % len(real)]
        path = source / f"{slug}-{number}.md"
        path.write_text(_relabel((book / f"{slug}.md").read_text("utf-8"), number), "utf-8")
        for language in LANGUAGES:
            catalog = book / "locale" / language / f"{slug}.po"
            if catalog.exists():
                texts = polib.pofile(str(catalog))  # its lines break inside labels
                for entry in texts:
                    entry.msgid = _relabel(entry.msgid, number)
                    entry.msgstr = _relabel(entry.msgstr, number)
                texts.save(str(source / "locale" / language / f"{path.stem}.po"))
        made.append(path)
    toc = "\n".join(f"    - file: {path.name}" for path in made)
    (source / "myst.yml").write_text(
        f"version: 1\nproject:\n  title: Minga\n  toc:\n    - file: index.md\n{toc}\n"
        "site:\n  template: ./theme\n"
    )
    (source / "index.md").write_text("---\ntitle: Inicio\n---\n\nHola.\n")
    (source / "locale/en/index.po").unlink()
    return made


def _relabel(text: str, number: int) -> str:
    """Give labels, and what refers to them, a number, so that they stay unique in the book."""
    text = re.sub(r"^\(([\w-]+)\)=", rf"(\1-{number})=", text, flags=re.M)
    text = re.sub(r"(:label: )([\w-]+)", rf"\1\2-{number}", text)
    text = re.sub(r"(\{(?:numref|eq|ref)\}`)([^`<>]+)`", rf"\1\2-{number}`", text)
    text = re.sub(r"(\{(?:numref|eq|ref)\}`[^`<>]+<)([^`<>]+)>", rf"\1\2-{number}>", text)
    text = re.sub(r"(\{figure\} #)([\w-]+)", rf"\1\2-{number}", text)
    text = re.sub(r"\]\(#([\w-]+)\)", rf"](#\1-{number})", text)
    # Footnotes are a page's own; links to other chapters lead to the first copy.
    return re.sub(r"\]\(([\w-]+)\.md(#[\w-]+)?\)", "](index.md)", text)


def _timed(act) -> dict:
    def processor() -> float:
        used = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(one.ru_utime + one.ru_stime for one in used)

    wall, cpu = time.monotonic(), processor()
    act()
    return {"s": round(time.monotonic() - wall, 1), "cpu_s": round(processor() - cpu, 1)}


if __name__ == "__main__":
    main()

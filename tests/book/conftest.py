"""The sample book, really built once, and served as the hub serves it."""

import asyncio
import shutil
import threading
from pathlib import Path

import pytest

from book.build import PREFIX, build
from book.serve import application

SAMPLE = Path(__file__).parent / "sample"


def serve_in_thread(site: Path):
    """Serve `site` on a free port of this machine; return (address, a function that ends it)."""
    ready, result = threading.Event(), {}

    async def run():
        from tornado.httpserver import HTTPServer
        from tornado.netutil import bind_sockets

        sockets = bind_sockets(0, "127.0.0.1")
        server = HTTPServer(application(site))
        server.add_sockets(sockets)
        result["port"] = sockets[0].getsockname()[1]
        result["loop"], result["end"] = asyncio.get_running_loop(), asyncio.Event()
        ready.set()
        await result["end"].wait()
        server.stop()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert ready.wait(10)

    def end():
        result["loop"].call_soon_threadsafe(result["end"].set)
        thread.join(10)

    return f"http://127.0.0.1:{result['port']}", end


@pytest.fixture(scope="session")
def serve_site():
    """Serve a folder on a free port until the tests end; return its address."""
    ends = []

    def serve(site: Path) -> str:
        address, end = serve_in_thread(site)
        ends.append(end)
        return address

    yield serve
    for end in ends:
        end()


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """(site, work) of the sample book."""
    folder = tmp_path_factory.mktemp("book")
    source = folder / "source"
    shutil.copytree(SAMPLE, source)
    site = build(source, folder / "site", folder / "work")
    return site, folder / "work"


@pytest.fixture(scope="session")
def host(built, serve_site):
    return serve_site(built[0])


@pytest.fixture
def reader(chromium, host):
    """Open pages of the book; everything that is not of this host is refused and remembered."""
    contexts, problems = [], []

    def open_page(path: str, width: int = 1280, wait: str = "load", **options):
        context = chromium.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)

        def failed(request):
            if request.failure != "net::ERR_ABORTED":  # broken off by the reader, who went on
                problems.append(f"failed: {request.url}: {request.failure}")

        def judge(route):
            if route.request.url.startswith(host):
                route.continue_()
            else:
                problems.append(f"foreign: {route.request.url}")
                route.abort()

        context.route("**/*", judge)
        page = context.new_page()
        page.on("requestfailed", failed)
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on(
            "response",
            lambda r: problems.append(f"{r.status}: {r.url}") if r.status >= 400 else None,
        )
        page.goto(f"{host}{PREFIX}/{path}", wait_until=wait)
        return page

    open_page.problems = problems
    yield open_page
    for context in contexts:
        context.close()

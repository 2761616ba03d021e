"""The book's server: language, paths, and what it lets a page load."""

from urllib.parse import urlsplit

import pytest
import requests


@pytest.fixture(scope="module")
def small(tmp_path_factory, serve_site):
    site = tmp_path_factory.mktemp("site")
    for language, word in (("es", "hola"), ("en", "hello")):
        (site / language / "assets").mkdir(parents=True)
        (site / language / "uno").mkdir()
        (site / language / "index.html").write_text(word)
        (site / language / "uno/index.html").write_text(f"{word} 1")
        (site / language / "404.html").write_text(f"{word} 404")
        (site / language / "assets/a-ABC.css").write_text("p {}")
    (site / "lite/build").mkdir(parents=True)
    (site / "lite/build/1.0a1b2c3.js").write_text("1")
    (site / "lite/python.wasm").write_bytes(b"wasm" * 1000)
    (site.parent / "secret.txt").write_text("secret")
    return f"{serve_site(site)}/services/book"


def get(url, **options):
    return requests.get(url, allow_redirects=False, timeout=10, **options)


@pytest.mark.parametrize(
    ("cookie", "header", "language"),
    [
        (None, None, "es"),
        (None, "en-US,en;q=0.9,es;q=0.5", "en"),
        (None, "pt-BR,pt;q=0.9,en;q=0.4,es;q=0.7", "es"),
        (None, "de", "es"),
        (None, "en;q=0, es;q=0.1", "es"),
        (None, "en;q=nonsense", "es"),
        ("en", "es", "en"),
        ("es", "en", "es"),
        ("../evil", "en", "en"),
    ],
)
def test_the_root_leads_to_the_readers_language(small, cookie, header, language):
    headers = {"Accept-Language": header} if header else {"Accept-Language": ""}
    cookies = {"minga_language": cookie} if cookie else {}
    answer = get(f"{small}/", headers=headers, cookies=cookies)
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/services/book/{language}/"
    assert "Cookie" in answer.headers["Vary"] and answer.headers["Cache-Control"] == "no-store"


def test_folders_answer_with_their_page(small):
    assert get(f"{small}/en/uno/").text == "hello 1"
    assert get(f"{small}/en/uno").headers["Location"] == "/services/book/en/uno/"
    assert get(small).headers["Location"] == "/services/book/"


def test_a_wrong_address_is_answered_in_its_language(small):
    answer = get(f"{small}/en/nada/")
    assert (answer.status_code, answer.text) == (404, "hello 404")


@pytest.mark.parametrize("path", ["/%2e%2e/secret.txt", "/es/%2e%2e/%2e%2e/secret.txt"])
def test_nothing_outside_the_site_is_served(small, path):
    answer = get(f"{small}{path}")
    assert answer.status_code in {403, 404} and "secret" not in answer.text.replace(
        "secret.txt", ""
    )


def test_pages_may_load_from_this_host_only_and_stay_fresh(small):
    page, asset = get(f"{small}/es/"), get(f"{small}/es/assets/a-ABC.css")
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert "http" not in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-cache"
    assert "immutable" in asset.headers["Cache-Control"]


def test_what_runs_in_the_browser_reaches_the_book_and_not_the_hub(small):
    """Code in a notebook may not ask the hub, which would answer with its reader's rights."""
    host = urlsplit(small).netloc
    notebook = get(f"{small}/lite/build/1.0a1b2c3.js")
    assert "immutable" in notebook.headers["Cache-Control"]
    policy = notebook.headers["Content-Security-Policy"]
    allowed = f"connect-src {host}/services/book/ {host}/api/service-worker-heartbeat"
    assert policy.endswith(allowed)
    assert "connect-src" not in get(f"{small}/es/").headers["Content-Security-Policy"]
    lying = get(f"{small}/lite/python.wasm", headers={"Host": "evil; script-src *"})
    assert lying.status_code == 400 or "evil" not in lying.headers["Content-Security-Policy"]


def test_python_itself_travels_compressed(small):
    answer = get(f"{small}/lite/python.wasm")
    assert answer.headers["Content-Type"] == "application/wasm"
    assert answer.headers["Content-Encoding"] == "gzip" and answer.content == b"wasm" * 1000
    assert answer.headers["Cache-Control"] == "no-cache"

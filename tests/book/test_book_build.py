"""Builds: what a failure says, what a second build saves, and that the old site survives."""

import json
import shutil
import time
from pathlib import Path

import polib
import pytest

from book.build import build, main
from book.execute import code_key
from book.site import interface_words
from book.sources import LANGUAGES, THEME, BookError, to_notebook

SAMPLE = Path(__file__).parent / "sample"


def small_book(folder: Path, cell: str, prose: str = "Texto.") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "myst.yml").write_text(
        "version: 1\nproject:\n  title: T\n  toc:\n    - file: index.md\n    - file: uno.md\n"
    )
    (folder / "index.md").write_text("---\ntitle: Inicio\n---\n\nHola.\n")
    (folder / "uno.md").write_text(
        f"---\ntitle: Uno\n---\n\n{prose}\n\n```{{code-cell}} python\n{cell}\n```\n"
    )
    return folder


@pytest.mark.parametrize("language", [x for x in LANGUAGES if x != "es"])
def test_all_words_of_the_interface_are_translated(language):
    entries = polib.pofile(str(THEME / "locale" / language / "theme.po"))
    spanish = interface_words("es")
    assert {e.msgid for e in entries if e.translated()} == set(spanish.values())
    assert interface_words(language)["next"] == "Next"


def test_only_what_changes_an_output_changes_the_key(tmp_path):
    def key(cell):
        body = f"Texto\n\n```{{code-cell}} python\n{cell}\n```\n"
        return code_key(to_notebook(body, "p", tmp_path), tmp_path)

    base = key("x = 1  # uno\nx")
    assert key("x = 1  # one\nx") == base
    assert key("x = 1\nx;") != base
    assert key("x = 2\nx") != base
    assert key("!ls") != key("!ls -l")
    (tmp_path / "data.csv").write_text("1")
    assert key("x = 1\nx") != base


@pytest.mark.slow
def test_a_failing_cell_fails_the_build_and_keeps_the_old_site(tmp_path, capsys):
    source = small_book(tmp_path / "book", "1 + 1")
    paths = ["--source", source, "--output", tmp_path / "site", "--work", tmp_path / "work"]
    paths = [str(p) for p in paths]
    assert main(paths) == 0
    small_book(source, 'raise ValueError("¡ay!")')
    assert main(paths) == 1
    error = capsys.readouterr().err
    assert "uno.md (es): code cell 1 of 1 failed" in error
    assert "ValueError: ¡ay!" in error and 'raise ValueError("¡ay!")' in error
    assert ">2</pre>" in (tmp_path / "site/es/uno/index.html").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("prose", "said"),
    [
        ("Mira {numref}`no-existe`.", "no-existe"),
        ("Mira [esto](nada.md).", "nada.md"),
        ("![Foto](no-hay.png)", "no-hay.png"),
    ],
)
def test_a_broken_reference_fails_the_build(tmp_path, prose, said):
    source = small_book(tmp_path / "book", "1", prose)
    with pytest.raises(BookError, match=said):
        build(source, tmp_path / "site", tmp_path / "work")


@pytest.mark.slow
def test_a_second_build_runs_no_code_and_takes_seconds(built, tmp_path, monkeypatch):
    monkeypatch.setenv("PORT", "")  # mystmd would read it as its own option
    _, work = built
    shutil.copytree(work / "executed", tmp_path / "work/executed")
    said = []
    started = time.monotonic()
    build(SAMPLE, tmp_path / "site", tmp_path / "work", say=said.append)
    assert any(line.endswith(" 0 run now") for line in said)
    assert time.monotonic() - started < 20


@pytest.mark.slow
def test_a_page_nobody_translated_says_so(built):
    site, _ = built
    page = (site / "en/breve/index.html").read_text(encoding="utf-8")
    assert 'class="untranslated" lang="en"' in page and '<article lang="es">' in page
    assert "untranslated" not in (site / "es/breve/index.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_book_that_did_not_change_is_not_built_again(tmp_path):
    source = small_book(tmp_path / "book", "1 + 1")
    where = ["--source", source, "--output", tmp_path / "site", "--work", tmp_path / "work"]

    def built() -> int:
        assert main([*map(str, where), "--if-changed"]) == 0
        return (tmp_path / "site" / "es" / "index.html").stat().st_mtime_ns

    first = built()
    assert built() == first
    (source / "index.md").write_text("---\ntitle: Inicio\n---\n\nHola otra vez.\n")
    assert built() != first


@pytest.mark.slow
def test_what_stands_apart_on_a_page_is_apart_in_what_search_finds(tmp_path):
    prose = "Época\n: Una vuelta.\n\nLote\n: Un **gru**po.\n\n- uno\n- dos\n\n"
    prose += "| a | b |\n|---|---|\n| c | d |"
    site = build(small_book(tmp_path / "book", "1", prose), tmp_path / "site", tmp_path / "work")
    documents = json.loads((site / "es/search.json").read_text(encoding="utf-8"))
    texts = {document["text"] for document in documents}
    assert "Época Una vuelta. Lote Un grupo. uno dos a b c d" in texts

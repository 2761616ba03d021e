"""Catalogs: from documents to PO files, through a change of the source, to translated copies."""

import shutil
import subprocess
from pathlib import Path

import nbformat
import polib
import pytest

from translation import catalogs, checks
from translation.__main__ import main
from translation.documents import configuration, find
from translation.markdown import segments
from translation.segments import TranslationError

PAGE = (
    "---\ntitle: Las olas\n---\n\n# El mar\n\n"
    "Una ola mide {n} metros, en promedio $x^2$.\n\nOtra frase.\n"
)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "book/olas.md").write_text(PAGE, encoding="utf-8")
    (tmp_path / "book/README.md").write_text("Para quienes escriben", encoding="utf-8")
    (tmp_path / "book/myst.yml").write_text(
        "version: 1\nproject:\n  title: Minga libro\n  toc:\n    - file: olas.md\n"
        "    - title: Parte uno\n      children: []\n", encoding="utf-8")  # fmt: skip
    folder = tmp_path / "courses/curso/assignments/tarea"
    folder.mkdir(parents=True)
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("Un texto.", id="uno")])
    nbformat.write(nb, folder / "parte.ipynb")
    return tmp_path


def run(root: Path, command: str, *arguments: str) -> int:
    """Run one command; these translations are by machine, so no dictionary is asked."""
    options = ["--no-spelling"] if command == "check" else []
    return main(["--root", str(root), command, *options, *arguments])


def fill(path: Path, **extra: str) -> None:
    """Translate a whole catalog by machine: words in capitals."""
    catalog = polib.pofile(str(path))
    for entry in catalog:
        entry.msgstr = extra.get(entry.msgid, entry.msgid.replace("ola", "WAVE"))
    catalog.save()


def test_documents_and_their_catalogs(root):
    found = {
        d.name: d.catalogs["en"].relative_to(root).as_posix() for d in find(configuration(root))
    }
    assert found == {
        "book/olas.md": "book/locale/en/olas.po",
        "book/myst.yml": "book/locale/en/myst.po",
        "courses/curso/assignments/tarea/parte.ipynb": "courses/curso/locale/en/tarea/parte.po",
    }
    assert [d.name for d in find(configuration(root), ["courses"])] == [
        "courses/curso/assignments/tarea/parte.ipynb"
    ]
    with pytest.raises(TranslationError, match="'nada' is no translated document"):
        find(configuration(root), ["nada"])


def test_the_whole_way(root, capsys):
    assert run(root, "check") == 1
    assert "there is no catalog; run: python -m translation extract" in capsys.readouterr().out
    assert run(root, "extract") == 0
    assert run(root, "check") == 1
    assert "missing: «El mar»" in capsys.readouterr().out
    for path in root.rglob("*.po"):
        fill(path)
    assert run(root, "check") == 0
    assert capsys.readouterr().out == ""
    assert run(root, "build", "--language", "en", "--output", str(root / "out")) == 0
    built = (root / "out/book/olas.md").read_text()
    assert built == PAGE.replace("ola", "WAVE")
    assert nbformat.read(root / "out/courses/curso/assignments/tarea/parte.ipynb", 4)
    assert run(root, "status") == 0
    assert "book/olas.md" in capsys.readouterr().out


def test_entries_tell_translators_where(root):
    run(root, "extract")
    entry = polib.pofile(str(root / "book/locale/en/olas.po")).find("Otra frase.")
    assert entry.occurrences == [("book/olas.md", "9")]
    assert entry.comment == "text: El mar"
    cell = polib.pofile(str(root / "courses/curso/locale/en/tarea/parte.po")).find("Un texto.")
    assert cell.occurrences == [("courses/curso/assignments/tarea/parte.ipynb#uno", "1")]


def test_a_changed_message_becomes_fuzzy_and_comes_back(root, capsys):
    run(root, "extract")
    path = root / "book/locale/en/olas.po"
    fill(path, **{"Otra frase.": "Another sentence."})
    page = root / "book/olas.md"
    page.write_text(PAGE.replace("Otra frase.", "Otra frase más.").replace("El mar", "La tierra"))
    assert run(root, "check") == 1
    assert "not in the catalog: «Otra frase más.»" in capsys.readouterr().out
    run(root, "extract")
    catalog = polib.pofile(str(path))
    changed = catalog.find("Otra frase más.")
    assert changed.fuzzy
    assert changed.previous_msgid == "Otra frase."
    assert changed.msgstr == "Another sentence."
    assert [e.msgid for e in catalog.obsolete_entries()] == ["El mar", "Otra frase."]
    assert run(root, "check", "olas") == 1
    out = capsys.readouterr().out
    line = next(
        n for n, text in enumerate(path.read_text().splitlines(), 1) if "#. text: La" in text
    )
    assert f"{path}:" in out and "fuzzy: «Otra frase más.»" in out
    assert any(f":{n}: en: fuzzy" in out for n in range(line, line + 6))
    assert run(root, "build", "--language", "en", "--output", str(root / "out"), "olas") == 0
    assert "Otra frase más." in (root / "out/book/olas.md").read_text()
    # The author goes back: the old translation is there again, not fuzzy.
    page.write_text(PAGE)
    run(root, "extract")
    assert run(root, "check", "olas") == 0


def test_a_fuzzy_entry_that_changes_again_remembers_the_first_message(root):
    run(root, "extract")
    path = root / "book/locale/en/olas.po"
    fill(path)
    for words in ("Otra frase más.", "Otra frase más larga."):
        (root / "book/olas.md").write_text(PAGE.replace("Otra frase.", words))
        run(root, "extract")
    assert polib.pofile(str(path)).find("Otra frase más larga.").previous_msgid == "Otra frase."


def test_a_message_that_went_is_the_origin_rather_than_one_that_stays(root):
    page = root / "book/olas.md"
    page.write_text("Una frase de prueba, la A.\n\nUna frase de prueba, la B.\n")
    run(root, "extract")
    path = root / "book/locale/en/olas.po"
    fill(path)
    page.write_text("Una frase de prueba, la A.\n\nUna frase de prueba, la C.\n")
    run(root, "extract")
    changed = polib.pofile(str(path)).find("Una frase de prueba, la C.")
    assert changed.previous_msgid == "Una frase de prueba, la B."


def test_a_second_extraction_and_moved_lines_change_no_file(root):
    run(root, "extract")
    path = root / "book/locale/en/olas.po"
    before = path.read_bytes()
    run(root, "extract")
    (root / "book/olas.md").write_text(PAGE.replace("# El mar", "% nota\n\n\n# El mar"))
    run(root, "extract")
    assert path.read_bytes() == before


@pytest.mark.skipif(not shutil.which("msgfmt"), reason="GNU gettext is not installed")
def test_gnu_gettext_reads_the_catalogs(root):
    run(root, "extract")
    for path in root.rglob("*.po"):
        subprocess.run(["msgfmt", "-c", "-o", "/dev/null", str(path)], check=True)


def test_stubs_are_translated_from_the_start():
    found = segments("TU RESPUESTA AQUÍ\n")
    assert catalogs.merge(catalogs.empty("en"), found, "x", "en")[0].msgstr == "YOUR ANSWER HERE"


@pytest.mark.parametrize(
    ("message", "translation", "kind", "problem"),
    [
        ("Con $x$ y $y$", "With $x$", "text", "lost: $y$"),
        ("Con $x$ aquí", "With $y$ here", "text", "not in the source: $y$"),
        ("Usa `pool.map` aquí", "Use pool.map here", "text", "lost: `pool.map`"),
        ("Ver {ref}`olas` aquí", "See {ref}`waves` here", "text", "lost: {ref}`olas`"),
        ("Ver {doc}`Olas <olas>`", "See {doc}`Waves <waves>`", "text", "lost: {doc}`…<olas>`"),
        ("Un [enlace](a.md)", "A [link](b.md)", "text", "lost: (a.md)"),
        ("Un [enlace](https://a.cl)", "A link", "text", "lost: https://…"),
        ("Una <b>palabra</b>", "A <b>word", "text", "lost: </b"),
        ("Nota[^1] aquí", "Note here", "text", "lost: [^1]"),
        ("Según @amdahl1967 es", "According to Amdahl", "text", "lost: @amdahl1967"),
        ("uno\\\ndos", "one two", "text", "another number of line breaks"),
        ("{a} de {b}", "of {b}", "f-string", "lost: {a}"),
        ("{a} de", "of {a", "f-string", "a '{' without '}' (write '{{' for the character)"),
        ("hola {} %d", "hello {}", "string", "lost: %d"),
        ("hola {x}", "hello {y}", "string", "lost: {x}"),
        ("torch: ", "torch:", "string", "other spaces or line breaks at the end"),
    ],
)
def test_what_a_translation_lost_is_found(message, translation, kind, problem):
    assert problem in checks.lost(message, translation, kind)


@pytest.mark.parametrize(
    ("message", "translation", "kind"),
    [
        ("Son $6{,}5\\,\\%$ y $a \\text{ si } b$", "It is $6.5\\%$ and $a\\text{ if }b$", "text"),
        ("Ver {doc}`Olas <olas>`", "See {doc}`Waves <olas>`", "text"),
        ("[x](/services/book/es/olas)", "[x](/services/book/en/olas)", "text"),
        (
            "[x](https://es.wikipedia.org/wiki/Ola)",
            "[x](https://en.wikipedia.org/wiki/Wave)",
            "text",
        ),
        ("Escribe `# TU CÓDIGO`", "Write `# YOUR CODE`", "text"),
        ("cuesta $5 y $6", "costs $5 and $6", "text"),
        ("{a} de {b}", "of {b}: {a}", "f-string"),
        ("un 50% de todo", "50% of it", "string"),
        ("el 100 % de eso", "100% of that", "string"),
    ],
)
def test_what_languages_write_differently_is_no_problem(message, translation, kind):
    assert checks.lost(message, translation, kind) == []


def test_check_names_file_and_line_of_an_invalid_catalog(root, capsys):
    run(root, "extract")
    path = root / "book/locale/en/olas.po"
    path.write_text(path.read_text() + '\nmsgid "abierto\nmsgstr ""\n')
    assert run(root, "check", "olas") == 1
    line = len(path.read_text().splitlines()) - 1
    assert f"olas.po:{line}: en: not a valid catalog" in capsys.readouterr().out


def test_check_finds_a_message_twice_and_one_of_no_document(root, capsys):
    run(root, "extract")
    path = root / "book/locale/en/olas.po"
    text = path.read_text()
    path.write_text(text + '\nmsgid "De nadie"\nmsgstr "Of no one"\n')
    assert run(root, "check", "olas") == 1
    assert "no longer in book/olas.md: «De nadie»" in capsys.readouterr().out
    path.write_text(text + '\nmsgid "El mar"\nmsgstr "x"\n')
    assert run(root, "check", "olas") == 1
    assert "El mar" in capsys.readouterr().out


def test_check_finds_a_translation_that_changes_the_page(root, capsys):
    run(root, "extract")
    fill(root / "book/locale/en/olas.po", **{"Otra frase.": "# A heading"})
    assert run(root, "check", "olas") == 1
    assert "line 9: the translation of «Otra frase.» cannot be used" in capsys.readouterr().out


def test_a_wrong_configuration_names_file_and_key(tmp_path):
    path = tmp_path / "documents.yaml"
    path.write_text("documents: {}\n")
    with pytest.raises(TranslationError, match="documents.yaml: key 'documents'"):
        configuration(tmp_path, path)
    path.write_text(
        "documents: [{document: a.md, catalog: '{b}.po'}]\nglossary: g.md\nspelling: {}\n"
    )
    with pytest.raises(TranslationError, match="entry 1: the catalog uses {b}"):
        configuration(tmp_path, path)


def test_an_unknown_language_is_named(root, capsys):
    assert run(root, "build", "--language", "fr", "--output", str(root / "out")) == 1
    assert "'fr' is not a target language; there are: en" in capsys.readouterr().err

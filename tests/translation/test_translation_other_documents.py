"""What is no page and no notebook: courses, the theme's words, the hub's pages; badges."""

import json
from pathlib import Path
from xml.etree import ElementTree

import polib
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from translation import badges, languages, yaml_text
from translation.__main__ import main
from translation.documents import configuration, find
from translation.segments import TranslationError, put

REPOSITORY = Path(__file__).parents[2]
COURSE = """\
# un comentario
id: curso
title:
  es: Un curso
  en: A course
description: {es: "Qué hay: dentro", en: What is inside}
hours: 40
assignments:
  tarea:
    title:
      es: La tarea
    book: tarea
"""


def test_a_course_lacks_only_what_does_not_stand_in_a_language():
    assert [s.msgid for s in yaml_text.side_by_side(COURSE, "en")] == ["La tarea"]
    found = yaml_text.side_by_side(COURSE, "pt")
    assert [s.msgid for s in found] == ["Un curso", "Qué hay: dentro", "La tarea"]
    assert found[2].headings == ("assignments", "tarea", "title") and found[2].line == 11


@pytest.mark.parametrize("words", ["Um curso", "a: b", "# não", "yes", "'x'", '"', "a, b}", "x\ny"])
def test_a_translation_is_put_beside_the_source(words):
    found = yaml_text.side_by_side(COURSE, "pt")
    result = put(COURSE, found, {"Un curso": words, "Qué hay: dentro": words})
    assert yaml.safe_load(result)["title"] == {"es": "Un curso", "en": "A course", "pt": words}
    assert yaml.safe_load(result)["description"]["pt"] == words
    assert yaml_text.side_by_side_difference(COURSE, result, "pt") is None
    assert yaml_text.side_by_side_difference(COURSE, result.replace("40", "4"), "pt")
    assert "# un comentario" in result


def test_the_hub_gets_a_course_title_from_the_catalog(tmp_path, monkeypatch):
    from courses import titles

    monkeypatch.setattr(titles, "COURSES", tmp_path)
    monkeypatch.setattr(titles, "offered", lambda: ("es", "pt", "fr"))
    catalog = polib.POFile()
    catalog.append(polib.POEntry(msgid="Un curso", msgstr="Um curso"))
    path = tmp_path / "curso/locale/pt/course.po"
    path.parent.mkdir(parents=True)
    catalog.save(str(path))
    texts = {"es": "Un curso", "en": "A course"}
    assert titles.in_all_languages(texts, "curso") == {**texts, "pt": "Um curso"}


KEY = st.text("abc_", min_size=1, max_size=5)
SENTENCE = st.text("aé\"\\'{}:#,- \n\t/", max_size=12)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.dictionaries(KEY, SENTENCE, max_size=5), st.sampled_from([None, 1, 2]))
def test_tables_of_words_come_back_byte_for_byte(table, indent):
    text = json.dumps(table, ensure_ascii=False, indent=indent)
    found = yaml_text.words(text)
    assert put(text, found, {"nada": "nothing"}) == text
    marked = put(text, found, {s.msgid: f'«{s.msgid}»"\\' for s in found})
    assert yaml_text.words_difference(text, marked) is None
    wanted = {s.headings[0] for s in found}
    assert json.loads(marked) == {
        key: f'«{value}»"\\' if key in wanted else value for key, value in table.items()
    }


SIDES = st.dictionaries(
    st.sampled_from(["title", "description", "a"]),
    st.fixed_dictionaries({"es": st.text("abé: #'\"", min_size=2).filter(str.strip)}),
    min_size=1,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(SIDES, st.booleans())
def test_courses_come_back_byte_for_byte(data, flow):
    text = yaml.safe_dump(data, allow_unicode=True, default_flow_style=flow)
    found = yaml_text.side_by_side(text, "pt")
    assert put(text, found, {}) == text
    result = put(text, found, {s.msgid: f"{s.msgid}-" for s in found})
    assert yaml_text.side_by_side_difference(text, result, "pt") is None


@pytest.mark.parametrize("document", find(configuration(REPOSITORY)), ids=lambda d: d.name)
def test_every_document_of_the_repository_comes_back_byte_for_byte(document):
    """Untranslated, in a language that it has and in one that it does not have."""
    for language in ("en", "pt"):
        assert document.translate(polib.POFile(), language).encode() == document.path.read_bytes()


@pytest.fixture
def pages(tmp_path):
    """A hub's pages in small: one template, one script, one catalog in English."""
    folder = tmp_path / "hub_config/pages"
    (folder / "templates").mkdir(parents=True)
    (folder / "static").mkdir()
    (folder / "babel.cfg").write_text((REPOSITORY / "hub_config/pages/babel.cfg").read_text())
    (folder / "templates/a.html").write_text(
        '{{ _("Iniciar sesión") }} '
        "{% trans n=2 %}una hora{% pluralize %}{{ n }} horas{% endtrans %}"
    )
    (folder / "static/a.js").write_text('_("Espera, {name}");')
    (tmp_path / "spawners").mkdir()
    return tmp_path


def run(root: Path, *arguments: str) -> int:
    return main(["--root", str(root), *arguments])


def test_the_hub_pages_go_the_same_way(pages, capsys):
    path = pages / "hub_config/pages/locale/en/LC_MESSAGES/minga.po"
    assert run(pages, "extract") == 0
    catalog = polib.pofile(str(path))
    assert {e.msgid for e in catalog} == {"Iniciar sesión", "una hora", "Espera, {name}"}
    assert catalog.find("Espera, {name}").occurrences == [("hub_config/pages/static/a.js", "1")]
    assert run(pages, "check", "--no-spelling") == 1
    assert "minga.po:" in capsys.readouterr().out
    catalog.find("Iniciar sesión").msgstr = "Log in"
    catalog.find("Espera, {name}").msgstr = "Wait"
    catalog.find("una hora").msgstr_plural = {0: "an hour", 1: "%(n)s hours"}
    catalog.save()
    assert run(pages, "check", "--no-spelling") == 1
    assert capsys.readouterr().out.count("lost: {name}") == 1
    before = path.read_bytes()
    assert run(pages, "extract") == 0 and path.read_bytes() == before
    template = pages / "hub_config/pages/templates/a.html"
    template.write_text(template.read_text().replace("Iniciar sesión", "Iniciar la sesión"))
    assert run(pages, "check", "--no-spelling") == 1
    found = capsys.readouterr().out
    assert "a.html:1: en: not in the catalog: «Iniciar la sesión»" in found
    assert run(pages, "extract") == 0
    changed = polib.pofile(str(path)).find("Iniciar la sesión")
    assert (changed.fuzzy, changed.msgstr) == (True, "Log in")
    assert changed.previous_msgid == "Iniciar sesión"
    # Of two lines, and once more: what was before stays readable, and does not pile up.
    for now in ("Iniciar\nla sesión", 'Iniciar\ntu \\"sesión\\"'):
        template.write_text('{{ _("' + now.replace("\n", "\\n") + '") }}')
        assert run(pages, "extract") == 0
    changed = polib.pofile(str(path)).find('Iniciar\ntu "sesión"')
    assert changed.previous_msgid == "Iniciar\nla sesión" and not changed.tcomment


def test_status_counts_all_and_writes_badges(pages, capsys):
    run(pages, "extract")
    assert run(pages, "status", "--badges", str(pages / "badges")) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["all", "en", "0", "0", "3", "0%"]
    picture = ElementTree.parse(pages / "badges/en/all.svg").getroot()
    assert picture.get("aria-label") == "all · en: 0 %"
    assert (pages / "badges/en/hub_config/pages/babel.svg").is_file()


def test_a_badge_says_all_only_of_the_whole():
    assert ": 99 %" in badges.badge("a & <b>", 0.999) and "a &amp; &lt;b&gt;" in badges.badge(
        "a & <b>", 1.0
    )
    assert ": 100 %" in badges.badge("x", 1.0)


def test_the_deployment_says_which_languages_there_are(tmp_path, monkeypatch):
    file = tmp_path / "own.yaml"
    file.write_text("languages: [en, es, pt]\n")
    monkeypatch.setenv("MINGA_DEPLOYMENT", str(file))
    assert languages.offered() == ("en", "es", "pt")
    assert languages.targets() == ("en", "pt")
    assert configuration(REPOSITORY).targets == ("en", "pt")
    for wrong in ("languages: es\n", "languages: [../x]\n", "- a\n", ": :"):
        file.write_text(wrong)
        assert languages.offered() == ("es", "en")


def test_names_and_plurals_of_languages():
    assert [languages.name(code) for code in ("es", "en", "pt")] == [
        "Español",
        "English",
        "Português",
    ]
    assert languages.name("xyz") == "xyz"
    assert languages.plural_forms("fr") == "nplurals=2; plural=(n > 1);"
    assert languages.locale("qps") == "es"


def test_a_course_that_is_no_yaml_is_named():
    with pytest.raises(TranslationError, match="'key: value' lines expected"):
        yaml_text.side_by_side("- a\n", "pt")

"""The catalogs are complete: what the templates, the scripts and the Python code say is there."""

import re
from pathlib import Path

import jupyterhub.scopes
import polib
import pytest
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg

from hub_config.pages import hub_texts, languages

REPO = Path(__file__).resolve().parents[3]
PAGES = REPO / "hub_config" / "pages"
TRANSLATIONS = [language for language in languages.LANGUAGES if language != languages.SOURCE]


def extracted() -> dict[str, str]:
    """Every sentence that is written somewhere, and one place where."""
    with (PAGES / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = {}
    for folder in ("hub_config", "spawners", "grading", "transparency"):
        for name, line, message, _comments, _context in extract_from_dir(
            REPO / folder, methods, options, DEFAULT_KEYWORDS | {"N_": None, "Message": None}
        ):
            msgid = message if isinstance(message, str) else message[0]
            found.setdefault(msgid, f"{folder}/{name}:{line}")
    return found


@pytest.fixture(scope="module", params=TRANSLATIONS)
def catalog(request) -> polib.POFile:
    """One language's catalog."""
    return polib.pofile(str(PAGES / "locale" / request.param / "LC_MESSAGES" / "minga.po"))


def test_nothing_is_missing_fuzzy_or_obsolete(catalog):
    problems = [f"not translated: {entry.msgid}" for entry in catalog.untranslated_entries()]
    problems += [f"fuzzy: {entry.msgid}" for entry in catalog.fuzzy_entries()]
    problems += [f"obsolete: {entry.msgid}" for entry in catalog.obsolete_entries()]
    assert not problems, "\n".join(problems)


def test_every_sentence_is_in_the_catalog_and_no_other(catalog):
    written, translated = extracted(), {entry.msgid for entry in catalog}
    assert len(written) > 200, "extraction found too little to be true"
    missing = {text: place for text, place in written.items() if text not in translated}
    assert not missing, f"run python -m translation extract hub_config: {missing}"
    assert not translated - set(written)


def test_placeholders_survive_translation(catalog):
    pattern = re.compile(r"%\(\w+\)s|\{\w+\}")
    for entry in catalog:
        wanted = set(pattern.findall(entry.msgid))
        for text in [entry.msgstr, *entry.msgstr_plural.values()]:
            if text:
                assert set(pattern.findall(text)) == wanted, entry.msgid


def test_markup_and_outer_spaces_survive_translation(catalog):
    tags = re.compile(r"</?\w+")
    for entry in catalog:
        if entry.msgstr:
            assert tags.findall(entry.msgid) == tags.findall(entry.msgstr), entry.msgid
            assert entry.msgid.endswith(" ") == entry.msgstr.endswith(" "), entry.msgid


def test_every_permission_of_this_jupyterhub_has_our_words():
    missing = set(jupyterhub.scopes.scope_definitions) - set(hub_texts.PERMISSIONS)
    assert not missing

"""Words: spelling, accents above all, and the glossary; the repository's own are right."""

from pathlib import Path

import polib
import pytest

from translation import checks, glossary, spelling
from translation.documents import configuration, find
from translation.glossary import Term
from translation.spelling import Speller

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def spanish():
    return Speller("es", ["dictionary-es"])


@pytest.fixture(scope="module")
def english():
    return Speller("en", ["dictionary-en", "dictionary-en-gb"])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("La funcion crece", "accent: «funcion» → «función»"),
        ("Una **Epoca** entera", "accent: «Epoca» → «Época»"),
        ("El *metodo* nuevo", "accent: «metodo» → «método»"),
        ("Los exámen de hoy", "accent: «exámen» → «examen»"),
        ("Mide el numero de pasos", "accent: «el numero» → «el número»"),
        ("baja la perdida", "accent: «la perdida» → «la pérdida»"),
        ("¿Como aprende?", "accent: «¿Como» → «¿cómo»"),
        ("y tu puedes verlo", "accent: «tu puedes» → «tú puedes»"),
        ("cuesta mas tiempo", "accent: «mas» → «más»"),
        ("el archivo esta listo", "accent: «esta listo» → «está listo»"),
        ("resuelvela hoy", "accent: «resuelvela» → «resuélvela»"),
        ("[La funcion](otra.md) crece", "accent: «funcion»"),
        ("ver {doc}`la funcion <x>`", "accent: «funcion»"),
    ],
)
def test_a_wrong_or_missing_accent_is_found(spanish, text, problem):
    found = list(spanish.problems(text))
    assert len(found) == 1 and found[0].startswith(problem)


@pytest.mark.parametrize(
    "text",
    [
        "La función crece: resuélvela, mídelos, quítalo y detenla.",
        "Con `funcion(x)` y $funcion^2$, {ref}`funcion` y [esto](funcion.md#funcion).",
        "Mide {numero} pasos en %(segundos)s con --numero y numero_total, x.numero().",
        "PyTorch corre en GPU y la ley es de Amdahl.",
        "En inglés se dice *the weights of the network*; una *minga* es otra cosa.",
        "A. Cauchy (1847). *Méthode générale*. Comptes rendus de l'Académie des sciences.",
        "Esta lista es tu lista, y el que como pan, como ayer, pierde.",
    ],
)
def test_what_is_right_or_no_prose_is_left_alone(spanish, text):
    assert list(spanish.problems(text)) == []


def test_names_of_the_code_are_no_words(spanish):
    assert list(spanish.problems("funcion: la pérdida", frozenset({"funcion"}))) == []
    assert list(spanish.problems("funcion: la pérdida"))


def test_unknown_words_are_reported_to_those_who_ask(spanish):
    assert list(spanish.problems("un errror")) == []
    (problem,) = spanish.problems("un errror", unknown=True)
    assert problem.startswith("unknown word: «errror» (perhaps: error")


def test_english_of_both_sides_of_the_sea_is_right(english):
    right = "The colour and color don't matter; the student’s do, in Bogotá."
    assert list(english.problems(right, unknown=True)) == []
    assert list(english.problems("A café brings its accent along.")) == []
    (problem,) = english.problems("It recieves", unknown=True)
    assert problem.startswith("unknown word: «recieves»")


def test_a_word_in_our_lists_is_right(tmp_path):
    (tmp_path / "es.txt").write_text("# los nuestros\ncuadernillear # verbo\n")
    (tmp_path / "all.txt").write_text("Zzyx\n")
    speller = Speller("es", ["dictionary-es"], tmp_path)
    assert speller.right("cuadernillear") and speller.right("Cuadernillear")
    assert speller.right("Zzyx") and not speller.right("zzyx")


PAGE = (
    "---\ntitle: T\n---\n\nTasa de aprendizaje\n: Un número.\n\nCapa\n: Un grupo.\n\nNodo\n: Uno.\n"
)


def terms(**words: str) -> list[Term]:
    catalog = [polib.POEntry(msgid=k.replace("_", " "), msgstr=v) for k, v in words.items()]
    return glossary.terms(PAGE, catalog, "en")


@pytest.mark.parametrize("around", ["{}", ":::{{glossary}}\n{}\n:::\n"])
def test_terms_are_those_of_the_page_with_their_translations(around):
    page = around.format(PAGE.split("---\n\n")[1])
    assert glossary.names(page) == ["Tasa de aprendizaje", "Capa", "Nodo"]
    assert [t.source for t in terms(Tasa_de_aprendizaje="Learning rate", Otro="Other")] == [
        "Tasa de aprendizaje"
    ]


@pytest.mark.parametrize(
    ("message", "translation", "wrong"),
    [
        ("La tasa de aprendizaje baja", "The learning rate falls", False),
        ("Las **tasas de aprendizaje** bajan", "The *learning rates* fall", False),
        ("La tasa de aprendizaje baja", "The learning speed falls", True),
        ("La tasa baja", "The rate falls", False),
        ("Dos nodos de la red", "Two machines of the network", True),
        ("Dos nodos de la red", "Two nodes of the network", False),
        ("Un nódulo", "A lump", False),
        ("Usa `nodo` aquí", "Use `nodo` here", False),
    ],
)
def test_a_term_is_translated_as_the_glossary_says(message, translation, wrong):
    found = terms(Tasa_de_aprendizaje="Learning rate", Nodo="Node")
    problems = list(glossary.problems(message, translation, found))
    assert bool(problems) == wrong


def test_check_holds_sentences_against_words_and_says_where(tmp_path):
    (tmp_path / "book/locale/en").mkdir(parents=True)
    (tmp_path / "book/glosario.md").write_text("Capa\n: Un grupo.\n")
    (tmp_path / "book/olas.md").write_text("La funcion de una capa.\n\nOtra capa más.\n")
    conf = configuration(tmp_path, targets=("en",))
    documents = {d.path.stem: d for d in find(conf)}
    words = {
        "Capa": "Layer", "Un grupo.": "A group.",
        "La funcion de una capa.": "The fonction of a sheet.", "Otra capa más.": "One more coat.",
    }  # fmt: skip
    for document in documents.values():
        document.update("en")
        catalog = polib.pofile(str(document.catalogs["en"]))
        for entry in catalog:
            entry.msgstr = words[entry.msgid]
            if entry.msgid == "Otra capa más.":
                entry.flags.append(glossary.IGNORE)
        catalog.save()
    against = checks.standards(conf, unknown=True)
    assert checks.check(documents["glosario"], "en", against) == []
    assert [str(p) for p in checks.check_source(documents["olas"], against)] == [
        f"{tmp_path}/book/olas.md:1: es: accent: «funcion» → «función»"
    ]
    found = [str(p) for p in checks.check(documents["olas"], "en", against)]
    assert len(found) == 2 and all(": en: " in line and "olas.po:" in line for line in found)
    assert "unknown word: «fonction»" in found[0]
    assert "glossary: «Capa» is «Layer»" in found[1]


def test_every_glossary_term_has_a_definition_and_a_translation():
    page = (REPOSITORY / "book/glosario.md").read_text(encoding="utf-8")
    names = glossary.names(page)
    assert len(names) == len(set(names)) >= 60
    catalog = polib.pofile(str(REPOSITORY / "book/locale/en/glosario.po"))
    translated = {e.msgid: e.msgstr for e in catalog if e.translated()}
    assert set(names) <= set(translated)
    # The other forms name terms that are there.
    assert set(glossary._forms()["en"]) <= set(names)


def test_nothing_is_wrong_with_the_documents_and_catalogs_of_the_repository():
    conf = configuration(REPOSITORY)
    against = checks.standards(conf)
    assert set(against.spellers) == {"es", "en"} and len(against.terms["en"]) > 40
    problems = [p for d in find(conf) for p in checks.check_source(d, against)]
    problems += [p for d in find(conf) for p in checks.check(d, "en", against)]
    assert [str(problem) for problem in problems] == []


def test_lists_of_words_hold_what_a_dictionary_does_not():
    """A list that grows by itself would hide a slip: each word is there once, and is needed."""
    for language, dictionaries in configuration(REPOSITORY).spelling.items():
        words = sorted(spelling._words_of(spelling.WORDS / f"{language}.txt"))
        bare = Speller(language, dictionaries, Path("/nonexistent"))
        assert [word for word in words if bare.right(word)] == []

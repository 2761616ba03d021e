"""What students get as feedback has no hidden test in it, and says what it can."""

import copy
import html
import re

import nbformat
import pytest
from attack_class import CANARY, answered, cell
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbgrader.apps.api import NbGraderAPI
from traitlets.config import Config

from courses.nbgrader import instructor_config
from courses.variants import FOLDER
from grading.hidden import HideTests

pytestmark = pytest.mark.slow

HIDDEN = (CANARY, "48271", "96542", "24136", "suma(-7", "HIDDEN TESTS")


def text_of(page: str) -> str:
    """Return the words of a page as somebody reads them."""
    body = page[page.index("<body") :]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def feedback_on(grader, answers: dict[str, str], language: str = "es", extra: str = "") -> str:
    """Grade a submission that is right but for `answers`; return its feedback's words."""
    place = grader.place
    place.forget("eva")
    nb = answered(place.released("tarea"), "tarea", right=True)
    if language != "es":
        nb.metadata["minga"] = {"language": language}
    for name, source in answers.items():
        cell(nb, name).source = source
    nb.cells[0].source += extra
    place.hand_in("eva", "tarea", nb)
    done = grader.autograde("tarea", "eva")
    assert done["success"], done["log"]
    page = grader.feedback("tarea", "eva")
    assert not [word for word in HIDDEN if word in page or word in text_of(page)]
    return text_of(page)


def test_what_is_right_says_that_there_are_hidden_tests(grader):
    said = feedback_on(grader, {})
    assert "# Aquí hay pruebas ocultas : 2" in said.replace("ocultas:", "ocultas :")
    assert "Puntos: 13.0 / 13.0" in said and "Falló" not in said
    said = feedback_on(grader, {}, "en")
    assert "# There are hidden tests here" in said and "ocultas" not in said


@pytest.mark.parametrize(
    ("name", "answer", "es", "en"),
    [
        (
            "suma",
            "def suma(a, b):\n    return 3 if a == 1 else 0",
            "Falló una prueba oculta: con números grandes",
            "A hidden test failed: con números grandes",
        ),
        (
            "suma",
            "def suma(a, b):\n    return 1 if a == -7 else a + b",
            "Falló una prueba oculta.",
            "A hidden test failed.",
        ),
        (
            "media",
            "def media(x):\n    return 2.0",
            "Falló una prueba oculta.",
            "A hidden test failed.",
        ),
        (
            "orden",
            "def orden(x):\n    if x[0] > 9: raise KeyError(str(x))\n    return sorted(x)",
            "Falló una prueba oculta.",
            "A hidden test failed.",
        ),
        (
            "media",
            "def media(x):\n    return 7",
            "AssertionError en una prueba que puedes ver: np",
            "AssertionError in a test that you can see: np",
        ),
        (
            "orden",
            "def orden(x):\n    return sorted(x)\ny = 1 / 0",
            "Al calificar, esta celda terminó con ZeroDivisionError en la línea 3: y = 1 / 0",
            "While grading, this cell ended with ZeroDivisionError in line 3: y = 1 / 0",
        ),
        (
            "orden",
            "import sys\ndef orden(x):\n    print(x, file=sys.stderr)\n    return sorted(x)",
            "Al calificar, esta celda escribió en la salida de errores (stderr)",
            "While grading, this cell wrote to the error output (stderr)",
        ),
        (
            "orden",
            "def orden(x):\n    return sorted(x)\nprint(orden([2, 1]))",
            "La salida de esta celda no se muestra",
            "This cell's output is not shown",
        ),
        (
            "orden",
            "class Zanahoria(Exception): pass\ndef orden(x):\n    raise Zanahoria(x)",
            "un error en una prueba que puedes ver: caso",
            "an error in a test that you can see: caso",
        ),
        (
            "orden",
            "def orden(x:\n    return",
            "Al calificar, esta celda terminó con SyntaxError en la línea 1",
            "While grading, this cell ended with SyntaxError in line 1",
        ),
        (
            "doble",
            "def doble(n):\n    if n > 99:\n        while True: pass\n    return 2 * n",
            "Falló una prueba oculta.",
            "A hidden test failed.",
        ),
    ],
)
def test_failures_are_told_in_our_words(grader, name, answer, es, en):
    if "while" not in answer:  # one run out of time is enough
        assert es in feedback_on(grader, {name: answer})
    assert en in feedback_on(grader, {name: answer}, "en")


def test_what_was_put_out_before_any_hidden_test_is_shown(grader):
    said = feedback_on(grader, {}, extra="\nprint('versión', np.__version__ > '1')\n1 / 0")
    assert "versión True" in said and "ZeroDivisionError" in said


def test_the_instructors_copy_keeps_everything(grader):
    feedback_on(grader, {"suma": "def suma(a, b):\n    return 3"})
    path = grader.place.course / "autograded" / "eva" / "tarea" / "tarea.ipynb"
    nb = nbformat.read(path, as_version=4)
    tests = cell(nb, "suma-pruebas")
    assert CANARY in tests.source
    assert "48271" in "".join(tests.outputs[0].traceback)


def hide(cells: list, sealed: bool = True, **options):
    """Seal as a run does, then hide."""
    nb = new_notebook(cells=cells)
    config = Config(ClearHiddenTests=options)
    if sealed:
        run = HideTests(config=config)
        for index in range(len(cells)):
            run.seal(nb.cells, index)
    nb = nbformat.reads(nbformat.writes(nb), as_version=4)
    return HideTests(config=config).preprocess(nb, {})[0]


def shown(text: str, **more):
    return new_code_cell("x", outputs=[new_output("stream", name="stdout", text=text)], **more)


def test_a_notebook_without_hidden_tests_is_left_alone():
    nb = new_notebook(cells=[shown("a"), new_code_cell("assert f() == 1")], metadata={"widgets": 1})
    before = copy.deepcopy(nb)
    assert HideTests().preprocess(nb, {})[0] == before


def test_only_what_is_sealed_is_shown():
    tests = new_code_cell("### BEGIN HIDDEN TESTS\nassert f(1)\n### END HIDDEN TESTS")
    nb = hide([shown("antes"), copy.deepcopy(tests), shown("después")])
    assert "antes" in str(nb.cells[0].outputs) and "después" not in str(nb.cells[2].outputs)
    assert nb.cells[1].source == "# Aquí hay pruebas ocultas: 1"
    nb = hide([shown("antes"), copy.deepcopy(tests)], sealed=False)
    assert "antes" not in str(nb.cells[0].outputs)
    forged = shown("después", metadata={"minga_sealed": "x"})
    nb = hide([shown("antes"), copy.deepcopy(tests), forged])
    assert "después" not in str(nb.cells[2].outputs)


def test_counters_and_widgets_are_not_the_kernels():
    tests = new_code_cell("### BEGIN HIDDEN TESTS\nassert f(1)\n### END HIDDEN TESTS")
    nb = new_notebook(cells=[tests, new_code_cell("1", execution_count=48271)])
    nb.metadata.widgets = {"application/vnd.jupyter.widget-state+json": {"x": "f(1)"}}
    nb = HideTests().preprocess(nb, {})[0]
    assert nb.cells[1].execution_count == 2 and "widgets" not in nb.metadata


def test_regions_are_found_as_nbgrader_finds_them():
    source = "if True:\n    # INICIO\n    assert f(2) == 3\n    # FIN\nassert f(1)\n# INICIO\nx = 5"
    nb = hide([new_code_cell(source)], begin_test_delimeter="INICIO", end_test_delimeter="FIN")
    assert nb.cells[0].source == (
        "if True:\n    # Aquí hay pruebas ocultas: 1\nassert f(1)\n# Aquí hay pruebas ocultas"
    )


@pytest.mark.parametrize(
    ("message", "said"),
    [('"la pista"', ": la pista"), ('"la " "pista"', ": la pista"), ('f"{x} pista"', ".")],
)
def test_a_message_is_shown_where_it_is_a_literal(message, said):
    source = f"### BEGIN HIDDEN TESTS\nassert (\n    f(2) == 3\n), {message}\n### END HIDDEN TESTS"
    error = new_output("error", ename="AssertionError", evalue="5 pista")
    error.traceback = ["\x1b[31mCell In[4]\x1b[0m, line 3", "f(2) == 3", "Cell In[1], line 1"]
    about = {"nbgrader": {"grade": True, "solution": False}}
    cells = [new_code_cell(source, outputs=[error], metadata=about)]
    assert hide(cells).cells[0].outputs[0].traceback == [f"Falló una prueba oculta{said}"]


@pytest.fixture(scope="module")
def translated(tmp_path_factory):
    """A real course with an English variant, released."""
    from courses.models import load_course
    from courses.publish import publish

    root = tmp_path_factory.mktemp("traducido")
    publish(load_course("ai-foundations"), root)
    return root


@pytest.mark.parametrize("first", ["HideTests", "TranslateFeedback"])
def test_an_english_submission_reads_english_whichever_comes_first(translated, first, grader):
    """The visible tests' messages are translated, ours are English, the hidden tests not there."""
    name = "descenso-de-gradiente"
    nb = nbformat.read(translated / "release" / name / FOLDER / "en" / f"{name}.json", 4)
    solution = next(c for c in nb.cells if c.metadata.get("nbgrader", {}).get("solution"))
    solution.source += "\nthis is no Python"
    folder = translated / "submitted" / "eva" / name
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(nb, folder / f"{name}.ipynb")
    config = instructor_config("ai-foundations", translated)
    config.GenerateFeedback.preprocessors.sort(key=lambda each: not each.endswith(first))
    api = NbGraderAPI(config=config)
    for step in (api.autograde, api.generate_feedback):
        done = step(name, "eva", force=True)
        assert done["success"], done["log"]
    page = (translated / "feedback" / "eva" / name / f"{name}.html").read_text()
    said = text_of(page)
    author = nbformat.read(translated / "source" / name / f"{name}.ipynb", 4)
    hidden = [
        line.strip()
        for c in author.cells
        for part in re.findall(r"BEGIN HIDDEN TESTS(.*?)### END", c.source, re.DOTALL)
        for line in part.splitlines()
        if len(line.strip()) > 12
    ]
    released = "".join(c.source for c in nb.cells)
    assert hidden and not [x for x in hidden if x in said and x not in released]
    assert "There are hidden tests here" in said and "ocultas" not in said
    assert "in a test that you can see" in said

"""Who tampers is flagged for a person, with the reason; who does not never is."""

import random

import nbformat
import pytest
from attack_class import POINTS, answered, cell
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbgrader.apps.api import NbGraderAPI

from grading.controls import controls_of
from grading.hidden import REVIEW
from grading.integrity import Controls, with_controls

HONEST = {
    "plots": "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nplt.gcf()",
    "widgets": "import ipywidgets as w\nw.interact(lambda x: x, x=3)\nw.IntSlider()",
    "magics": "%matplotlib inline\n%config InlineBackend.figure_format = 'svg'\n"
    "%timeit -n1 -r1 1 + 1\n!echo hola",
    "warnings": "import warnings\nwarnings.showwarning = lambda *a, **k: None\n"
    "warnings.warn('cuidado')",
    "input": "try:\n    input('¿Cuántos?')\nexcept Exception as error:\n    print(type(error))",
    "classes": "class Vector:\n    def __init__(self, x): self.x = x\n"
    "    def __eq__(self, other): return self.x == other.x\n"
    "    def __repr__(self): return f'V({self.x})'\nVector(1) == Vector(1)",
    "threads": "import threading, gc\nt = threading.Thread(target=print, args=(1,))\n"
    "t.start(); t.join()\ngc.collect()",
    "names": "old = print\ndef print(*a, **k): old(*a, **k)\nlist_ = [1]\nmax = 3\nsum_ = 2",
    "builtins": "import builtins\nbuiltins.print = lambda *a, **k: None",
    "frames": "import inspect, traceback, logging\ninspect.currentframe()\nlogging.warning('x')\n"
    "logging.basicConfig(level='DEBUG', force=True)",
    "random": "import random\nrandom.seed()\nnp.random.seed(3)\nnp.float = float",
    "display": "from IPython.display import HTML, clear_output, display\ndisplay(HTML('x'))\n"
    "clear_output()\ndisplay(1, display_id='a').update(2)",
    "errors": "get_ipython().set_custom_exc((KeyError,), lambda *a, **k: None)\n{}['x']",
    "async": "import asyncio\nawait asyncio.sleep(0)",
    "tests": "import unittest\nclass T(unittest.TestCase):\n    def test(self): pass\n"
    "unittest.main(argv=['x'], exit=False)",
}


def graded(grader, nb, assignment="tarea", student="eva"):
    """Grade a submission; return its rows of the gradebook, its log and its outputs."""
    grader._forget(assignment, student)
    grader.place.hand_in(student, assignment, nb)
    done = grader.autograde(assignment, student)
    assert done["success"], done["log"]
    with NbGraderAPI(config=grader.config).gradebook as gradebook:
        notebook = gradebook.find_submission(assignment, student).notebooks[0]
        rows = {g.name: (g.auto_score, g.needs_manual_grade) for g in notebook.grades}
    path = grader.place.course / "autograded" / student / assignment / f"{assignment}.ipynb"
    return rows, done["log"], nbformat.read(path, as_version=4)


@pytest.mark.slow
@pytest.mark.parametrize("assignment", ["tarea", "tensores"])
def test_honest_code_of_all_kinds_is_not_flagged(grader, assignment):
    nb = answered(grader.place.released(assignment), assignment, right=True)
    more = [new_code_cell(text, id=name) for name, text in HONEST.items()]
    if assignment == "tensores":
        more[-1:] = [
            new_code_cell(
                "import numpy as np\nmodel = torch.nn.Linear(2, 1)\n"
                "best = torch.optim.SGD(model.parameters(), lr=0.1)\n"
                "model(torch.ones(2)).backward()\nbest.step()\ntorch.manual_seed(1)"
            )
        ]
    nb.cells[1:1] = more
    rows, log, nb = graded(grader, nb, assignment)
    assert sum(score for score, _ in rows.values()) == POINTS[assignment], log
    assert not any(waits for _, waits in rows.values())
    assert REVIEW not in nb.metadata


@pytest.mark.slow
def test_half_right_is_half_right(grader):
    nb = answered(grader.place.released("tarea"), "tarea", right=True)
    cell(nb, "suma").source = "def suma(a, b):\n    return 3"
    cell(nb, "doble").source = "def doble(n):\n    return 2 * n if n < 100 else 0"
    rows, _, nb = graded(grader, nb)
    assert rows == {
        "suma-pruebas": (0.0, False),
        "media-pruebas": (3.0, False),
        "orden-pruebas": (4.0, False),
        "doble-pruebas": (3.0, False),
    }
    assert REVIEW not in nb.metadata


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "words"),
    [("es", "la va a revisar una persona"), ("en", "Somebody from your course will look")],
)
def test_who_tampers_waits_for_a_person(grader, language, words):
    nb = answered(grader.place.released("tarea"), "tarea", right=True)
    nb.metadata["minga"] = {"language": language}
    nb.metadata[REVIEW] = False
    cell(nb, "suma").source += (
        "\nimport unittest\nunittest.TestCase.assertEqual = lambda *a, **k: None"
        "\nclass Everything:\n    def __eq__(self, other): return True"
        "\ndef suma(a, b): return Everything()"
    )
    rows, log, nb = graded(grader, nb)
    assert set(rows.values()) == {(None, True)}  # formgrader: needs manual grading
    reasons = cell(nb, "orden-pruebas").outputs[0].text
    assert "sin puntos automáticos" in reasons and "no automatic points" in reasons
    assert "unittest.TestCase.assertEqual" in reasons
    assert "“suma-pruebas”: it also passed a test that must fail: assert suma(" in reasons
    assert "eva / tarea" in log and "unittest.TestCase.assertEqual" in log
    page = grader.feedback("tarea", "eva")
    assert words in page
    assert not [w for w in ("48271", "Flagged", "Señalada", "unittest.TestCase.") if w in page]
    # A person gives the points; a regrade keeps them and asks again.
    with NbGraderAPI(config=grader.config).gradebook as gradebook:
        grade = gradebook.find_grade("suma-pruebas", "tarea", "tarea", "eva")
        grade.manual_score = 1.0
        gradebook.db.commit()
    NbGraderAPI(config=grader.config).autograde("tarea", "eva", force=True)
    assert grader.points("tarea", "eva") == 0
    with NbGraderAPI(config=grader.config).gradebook as gradebook:
        grade = gradebook.find_grade("suma-pruebas", "tarea", "tarea", "eva")
        assert (grade.manual_score, grade.needs_manual_grade) == (1.0, True)
        gradebook.remove_submission("tarea", "eva")


RIGHT = """
import math
import unittest
def f(x): return x + 1
def g(x): return [x, "ñandú", 2.5]
def h(x): return {"a": x, "b": (True, -3)}
caso = unittest.TestCase()
"""


@pytest.mark.parametrize(
    "test",
    [
        "assert f(1) == 2, 'ñ'",
        "assert -5 == f(-6)",
        "assert g(1) == [1, 'ñandú', 2.5] and f(0) == 1",
        "assert h(2) == {'a': 2, 'b': (True, -3)}",
        "assert abs(f(1) - 2.0) < 1e-6",
        "assert math.isclose(f(1), 2)",
        "assert f(1) > 1",
        "assert f(1) in (2, 3)",
        "assert f(1) is not None and not f(-1)",
        "assert isinstance(g(1), list)",
        "assert not g(1) == [3]",
        "assert f(1) != 3",
        "caso.assertEqual(g(1)[1], 'ñandú')",
        "caso.assertTrue(f(1))",
        "caso.assertIsInstance(g(1), list)",
        "for x, y in [(1, 2), (3, 4)]:\n    assert f(x) == y",
        "with caso.assertRaises(TypeError):\n    f()\nassert f(2) == 3",
        "def check(x):\n    assert f(x)\ncheck(3)",
        "a = sum(f(x) == x + 1 for x in (1, 2))\na += f(3) == 4\na",
    ],
)
def test_a_right_answer_passes_the_test_and_fails_its_controls(test):
    space = {}
    exec(RIGHT + test, space)
    found = controls_of(test, random.Random(1))
    assert found
    for control in found:
        assert len(control.source) < len(test) + 30
        space_of_control = {}
        if control.partial:
            exec(RIGHT + control.source, space_of_control)
            assert space_of_control["a"] < space["a"]
        else:
            with pytest.raises((AssertionError, ValueError, TypeError)):
                exec(RIGHT + control.source, space_of_control)


def test_hidden_lines_come_first_and_magics_have_a_control_too():
    tests = "assert f(1) == 2\n# begin\nassert f(2) == 3\n# end"
    for seed in range(10):
        assert controls_of(tests, random.Random(seed), range(2, 5))[0].line == 3
    (only,) = controls_of("%time f(1)\nassert f(1) == 2", random.Random(1))
    assert only.source.startswith("%time f(1)\nassert f(1) == 2\nassert ")


def test_what_the_solution_passes_is_no_control():
    about = {"nbgrader": {"grade": True, "solution": False, "points": 1, "grade_id": "a"}}
    test = new_code_cell("assert f() == 3\nassert f() > 2", metadata=about)
    nb = new_notebook(cells=[test])

    def passes_comparisons(notebook):
        for each in notebook.cells:
            failed = "f() == 3\n" not in each.source
            error = new_output("error", ename="AssertionError", evalue="", traceback=[])
            each.outputs = [error] if failed else []
        return notebook

    controls = Controls(nb, passes_comparisons, "BEGIN").of(test.source)
    assert controls and all("f() == 3\n" not in each.source for each in controls)
    copied = with_controls(nb, {test.source: controls})
    assert [each.source for each in copied.cells] == [each.source for each in controls]
    # Without a solution: only what fails whatever the answer is.
    unsure = Controls(None, None, "BEGIN").of(test.source)
    assert unsure and all(each.sure for each in unsure)

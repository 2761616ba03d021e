"""The checks of units find what is wrong: of notebooks, mutants and answers."""

import copy

import nbformat
import pytest
import yaml
from notebooks import source

from courses import check, structure
from courses.models import CourseError, load_course
from courses.mutants import Variant, load_mutants
from courses.quick import QuickError, grade_quickly


@pytest.fixture
def author():
    return source("escalamiento-fuerte")


def test_a_sound_notebook_has_no_mistakes(author):
    assert list(structure.mistakes(author)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c["amdahl-pruebas"].metadata.nbgrader.update(points=6), "not 85"),
        (lambda c: c["parte-7"].update(source="## Parte 7"), "«parte-7»: the title"),
        (lambda c: c["control"].update(id="mando"), "no cell «control»"),
        (lambda c: c["vivo"].update(execution_count=3), "«vivo»: has outputs"),
        (
            lambda c: c["cola-pruebas"].update(source="assert 1, 'corto'\nassert 2, 'breve'"),
            "«cola-pruebas»: has no ### BEGIN HIDDEN",
        ),
        (
            lambda c: c["cola-pruebas"].update(source=c["cola-pruebas"].source + "\nassert x"),
            "written out, is missing: assert x",
        ),
    ],
)
def test_structure(author, change, said):
    change({c.id: c for c in author.cells})
    assert any(said in mistake for mistake in structure.mistakes(author))


def small(tests: str, solution: str = "def double(x):\n    return 2 * x"):
    """A notebook with one part."""
    cells = [
        nbformat.v4.new_code_cell("import time", id="importar"),
        nbformat.v4.new_code_cell(
            f"### BEGIN SOLUTION\n{solution}\n### END SOLUTION\n", id="doble"
        ),
        nbformat.v4.new_code_cell(tests, id="doble-pruebas"),
    ]
    for c, points in ((cells[1], None), (cells[2], 85)):
        c.metadata["nbgrader"] = {"grade_id": c.id, "grade": bool(points), "points": points}
    return nbformat.v4.new_notebook(cells=cells)


def test_answers_are_graded_apart_from_each_other():
    nb = small("assert double(2) == 4, 'doble'\nhistory = globals().setdefault('history', [])")
    cases = [{}, {"doble": "def double(x):\n    return x"}, {"doble": "while True: pass"}, {}]
    right, wrong, endless, again = grade_quickly(nb, cases, seconds=0.5)
    assert right == again == {"doble": None}
    assert wrong == {"doble": "AssertionError: doble"}
    assert endless["doble"].startswith("more than")


def test_an_answer_may_end_its_process():
    assert (
        "ended" in grade_quickly(small("pass"), [{"doble": "import os; os._exit(3)"}])[0]["doble"]
    )


def test_imports_that_fail_are_an_error():
    nb = small("pass")
    nb.cells[0].source = "import nothing_of_this_name"
    with pytest.raises(QuickError, match="nothing_of_this_name"):
        grade_quickly(nb, [{}])


def known(tmp_path, content):
    path = tmp_path / "supercomputing" / "mutants" / "x.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return load_mutants("supercomputing", "x", tmp_path)


def variant(what="a", **more):
    return {"what": what, **(more or {"source": "x = 1"})}


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"mutants": [variant()] * 2, "alternatives": [variant()]}, "at least 3 items"),
        (
            {"mutants": [variant(), variant("b"), variant("b")], "alternatives": [variant()]},
            "«b» is there twice",
        ),
        (
            {"mutants": [variant(w, right="1") for w in "abc"], "alternatives": [variant()]},
            "either source, or both",
        ),
        ({"mutants": [variant(w) for w in "abc"], "alternatives": []}, "at least 1 item"),
    ],
)
def test_mutants_are_checked_when_they_are_read(tmp_path, part, said):
    with pytest.raises(CourseError, match=said):
        known(tmp_path, {"parte": part})


@pytest.mark.parametrize(
    ("variant", "said"),
    [
        ({"right": "y", "wrong": "z"}, "has no 'y'"),
        ({"right": "x", "wrong": "x  "}, "is the author's own"),
        ({"source": "def f(:"}, "is no Python"),
    ],
)
def test_a_variant_that_is_none(variant, said):
    with pytest.raises(ValueError, match=said):
        Variant(what="a", **variant).applied("x = 1")


def test_what_survives_or_costs_too_much_is_said(monkeypatch):
    """A mutant that passes, an alternative that fails, and one that costs another part."""
    course, name = load_course("supercomputing"), "escalamiento-fuerte"
    parts = copy.deepcopy(load_mutants(course.id, name))
    good = parts["amdahl"].alternatives[0]
    bad = parts["amdahl"].mutants[0]
    costly = Variant(
        what="costly",
        source="def amdahl(n, f):\n    return 1\n\n\nnp.clip = None",
    )
    swapped = parts["amdahl"].model_copy(update={"mutants": [good, costly], "alternatives": [bad]})
    monkeypatch.setattr(check, "load_mutants", lambda *_: {**parts, "amdahl": swapped})
    report = check.check_unit(course, name, real=False)
    text = "\n".join(report.problems)
    assert f"amdahl: «{good.what}» passes all tests" in text
    assert f"amdahl: «{bad.what}» loses the points of amdahl" in text
    assert "amdahl: «costly» loses the points of ajuste" in text


def test_units_are_named_or_all():
    courses = [load_course("supercomputing")]
    assert "escalamiento-fuerte" in [name for _, name in check.units(courses)]
    assert check.units(courses, ["escalamiento-fuerte"])[0][1] == "escalamiento-fuerte"
    with pytest.raises(CourseError, match="no unit or course 'cocina'"):
        check.units(courses, ["cocina"])

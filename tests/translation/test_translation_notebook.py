"""Notebooks, and nbgrader's two forms of them."""

import copy
from pathlib import Path

import nbformat
import polib
import pytest
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme, ClearSolutions
from traitlets.config import Config

from translation import nbgrader_stubs, notebook
from translation.segments import TranslationError

REPOSITORY = Path(__file__).parents[2]
NOTEBOOKS = sorted((REPOSITORY / "courses").glob("*/assignments/*/*.ipynb"))


def graded(grade_id: str, **settings) -> dict:
    base = {"grade": False, "solution": False, "locked": False, "task": False}
    return {"nbgrader": {**base, "grade_id": grade_id, "schema_version": 3, **settings}}


def assignment() -> nbformat.NotebookNode:
    v4 = nbformat.v4
    return v4.new_notebook(
        cells=[
            v4.new_markdown_cell("# Suma\n\nEscribe una función.", id="texto"),
            v4.new_code_cell(
                '# dado aquí\ndef suma(a, b):\n    """Suma dos números."""\n'
                "    # piensa primero\n    ### BEGIN SOLUTION\n    # la respuesta\n"
                '    print("secreto aquí")\n    return a + b\n    ### END SOLUTION\n# después',
                id="solucion", metadata=graded("suma", solution=True),
            ),
            v4.new_code_cell(
                'assert suma(1, 2) == 3, "debe ser tres"\n# antes\n### BEGIN HIDDEN TESTS\n'
                'assert suma(2, 2) == 4, "prueba oculta"\n### END HIDDEN TESTS\n# y después',
                id="pruebas", metadata=graded("p", grade=True, locked=True, points=1),
                outputs=[v4.new_output("stream", text="salida que queda")], execution_count=3,
            ),
            v4.new_code_cell("# todo es solución\nx = 1", id="todo",
                             metadata=graded("t", solution=True)),
            v4.new_markdown_cell("La respuesta modelo.", id="manual",
                                 metadata=graded("m", solution=True, grade=True, points=2)),
            v4.new_markdown_cell(
                "Explica algo.\n\n### BEGIN MARK SCHEME\nDos puntos.\n### END MARK SCHEME",
                id="pauta", metadata=graded("k", task=True, points=2)),
            v4.new_code_cell("# sin traducir\nx = 1", id="no", metadata={"tags": ["no-translate"]}),
        ]
    )  # fmt: skip


def released(nb: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Release a notebook with nbgrader's own preprocessors."""
    config = Config()
    config.ClearSolutions.code_stub = {"python": nbgrader_stubs.CODE_STUB}
    config.ClearSolutions.text_stub = nbgrader_stubs.TEXT_STUB
    result = copy.deepcopy(nb)
    for preprocessor in (ClearSolutions, ClearHiddenTests, ClearMarkScheme):
        result, _ = preprocessor(config=config).preprocess(result, {})
    return result


def messages(nb: nbformat.NotebookNode) -> list[str]:
    return [segment.msgid for segment in notebook.segments(nb)]


def test_the_messages_are_those_that_students_see():
    assert messages(assignment()) == [
        "Suma", "Escribe una función.",
        "dado aquí", "Suma dos números.", "piensa primero", "TU CÓDIGO AQUÍ", "después",
        "debe ser tres", "antes y después",
        "TU CÓDIGO AQUÍ", "TU RESPUESTA AQUÍ", "Explica algo.",
    ]  # fmt: skip


@pytest.mark.parametrize("path", [None, *NOTEBOOKS], ids=lambda p: p.stem if p else "made here")
def test_source_and_release_have_the_same_messages(path):
    source = notebook.read(path) if path else assignment()
    release = released(source)
    assert [nbgrader_stubs.released(cell)[0] for cell in source.cells] == [
        cell.source for cell in release.cells
    ]
    assert messages(source) == messages(release)


def test_line_and_cell_are_those_of_the_source():
    for segment in notebook.segments(assignment()):
        if segment.msgid == "después":
            cell = next(c for c in assignment().cells if c.id == segment.place)
            assert cell.source.split("\n")[segment.line - 1] == "# después"
            assert segment.headings == ("Suma",)


def test_a_translated_release_keeps_all_but_words():
    release = released(assignment())
    before = copy.deepcopy(release)
    words = {
        **nbgrader_stubs.TRANSLATIONS["en"],
        "debe ser tres": "must be three",
        "Suma": "Sum",
        "antes y después": "before and after",
        "sin traducir": "x y z",
    }
    result = notebook.translate(release, words)
    assert release == before
    assert result.cells[0].source.startswith("# Sum\n")
    assert "    # YOUR CODE HERE\n    raise NotImplementedError()" in result.cells[1].source
    assert '"must be three"' in result.cells[2].source
    assert "# before and after" in result.cells[2].source
    assert result.cells[4].source == "YOUR ANSWER HERE"
    assert result.cells[6] == release.cells[6]
    for was, now in zip(release.cells, result.cells, strict=True):
        assert {**was, "source": ""} == {**now, "source": ""}
    assert result.metadata == release.metadata


def test_only_tagged_cells_count_outside_assignments():
    v4 = nbformat.v4
    nb = v4.new_notebook(cells=[
        v4.new_code_cell("# queda igual"),
        v4.new_code_cell("# se traduce", metadata={"tags": ["translate"]}),
    ])  # fmt: skip
    assert messages(nb) == ["se traduce"]


def test_a_translation_that_breaks_a_cell_names_the_cell():
    with pytest.raises(TranslationError, match="cell texto: line 3: .*«Escribe una función.»"):
        notebook.translate(assignment(), {"Escribe una función.": "```\ncode"})


def test_in_a_students_notebook_such_a_cell_stays_as_it_is():
    words = {"Escribe una función.": "```\ncode", "debe ser tres": "must be three"}
    result = notebook.translate(assignment(), words, strict=False)
    assert result.cells[0] == assignment().cells[0]
    assert '"must be three"' in result.cells[2].source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_every_notebook_of_the_repository_comes_back_unchanged(path):
    nb = notebook.read(path)
    assert notebook.translate(nb, polib.POFile()) == nb
    words = {m: m for m in messages(nb)}
    assert notebook.translate(nb, words) == nb

"""Pages read, split and made into notebooks."""

import polib
import pytest

from book.sources import (
    BookError,
    page_files,
    read_page,
    read_project,
    split_front_matter,
    to_notebook,
)

PAGE = """\
---
title: Una página
minga:
  course: ai-foundations
  assignment: descenso-de-gradiente
  alone: true
---

Antes.

```{code-cell} python
:tags: [hide-input]
print("hola")
```

Después.
"""


def test_front_matter_gives_the_theme_course_and_assignment(tmp_path):
    front, body = split_front_matter(PAGE, tmp_path / "p.md")
    assert front["site"]["course"] == "ai-foundations"
    assert front["site"]["assignment"] == "descenso-de-gradiente"
    assert "minga" not in front and front["title"] == "Una página"
    assert body.strip().startswith("Antes.")


def test_wrong_front_matter_is_named_with_its_file(tmp_path):
    with pytest.raises(BookError, match=r"p\.md: front matter"):
        split_front_matter("---\ntitle: [\n---\n", tmp_path / "p.md")


def test_code_cells_become_cells_with_lasting_ids(tmp_path):
    _, body = split_front_matter(PAGE, tmp_path / "p.md")
    first, second = (to_notebook(body, "p", tmp_path / "p.md") for _ in range(2))
    assert [cell.cell_type for cell in first.cells] == ["markdown", "code", "markdown"]
    assert first.cells[1].source == 'print("hola")'
    assert first.cells[1].metadata["tags"] == ["hide-input"]
    assert [cell.id for cell in first.cells] == [cell.id for cell in second.cells]


def test_a_code_cell_inside_a_block_is_refused(tmp_path):
    body = ":::{note}\n```{code-cell} python\nx = 1\n```\n:::\n"
    with pytest.raises(BookError, match="the code cell 'x = 1' is inside a ':::' block"):
        to_notebook(body, "p", tmp_path / "p.md")


def test_block_that_only_looks_open_is_accepted(tmp_path):
    body = (
        "```text\n:::{note}\n```\n\n:::{tip} Sí\nBien.\n:::\n\n```{code-cell} python\nx = 1\n```\n"
    )
    assert len(to_notebook(body, "p", tmp_path / "p.md").cells) == 2


def test_contents_are_read_in_order():
    toc = [{"file": "a.md"}, {"title": "P", "children": [{"file": "b.md"}, {"file": "c.md"}]}]
    assert page_files(toc) == ["a.md", "b.md", "c.md"]


def test_a_missing_project_says_which_file(tmp_path):
    with pytest.raises(BookError, match=r"myst\.yml"):
        read_project(tmp_path)


def test_a_page_that_measures_time_says_so(tmp_path):
    (tmp_path / "p.md").write_text(PAGE, encoding="utf-8")
    page = read_page(tmp_path, "p.md", "es")
    assert page.alone and "alone" not in page.front["site"]


def test_a_page_counts_what_is_translated(tmp_path):
    (tmp_path / "p.md").write_text("---\ntitle: Uno\n---\n\nDos.\n\nTres.\n\nCuatro.\n")
    (tmp_path / "locale/en").mkdir(parents=True)
    entries = polib.POFile()
    entries.append(polib.POEntry(msgid="Uno", msgstr="One"))
    entries.append(polib.POEntry(msgid="Dos.", msgstr="Two."))
    entries.append(polib.POEntry(msgid="Tres.", msgstr="Three.", flags=["fuzzy"]))
    entries.save(str(tmp_path / "locale/en/p.po"))
    page = read_page(tmp_path, "p.md", "en")
    assert page.translated == 0.5
    assert page.front["title"] == "One" and "Two." in page.text and "Tres." in page.text

"""A chapter's code is run once, also when it writes files beside itself."""

import pytest
import yaml

from courses import chapters

PAGE = """---
title: Una página
kernelspec:
  name: python3
  display_name: Python 3
---

```{code-cell} python
open("escrito.json", "w").write("[1]")
```
"""


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A book of one page that writes a file, and places of its own for what is kept."""
    folder = tmp_path / "book"
    folder.mkdir()
    (folder / "pagina.md").write_text(PAGE, encoding="utf-8")
    project = {"version": 1, "project": {"toc": [{"file": "pagina.md"}]}, "site": {}}
    (folder / "myst.yml").write_text(yaml.safe_dump(project))
    monkeypatch.setattr(chapters, "BOOK", folder)
    monkeypatch.setattr(chapters, "WORK", tmp_path / "work")
    monkeypatch.setattr(chapters, "KEPT", tmp_path / "kept")
    return folder


def test_a_page_that_writes_a_file_is_run_once(book, tmp_path):
    assert chapters.run(["pagina"])["pagina"] > 0
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").iterdir()}
    assert (tmp_path / "work" / "es" / "escrito.json").exists()
    assert chapters.run(["pagina"])["pagina"] > 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").iterdir()} == kept

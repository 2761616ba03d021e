"""Which code runs in a reader's browser: decided from its imports and from what is there."""

import json
import zipfile

import nbformat
import pytest

from book.in_browser import obstacles, place
from book.lite import APP, Lite, cut_lock
from book.sources import Page

MODULES = frozenset(
    {"asyncio", "collections", "concurrent", "json", "math", "urllib", "ipywidgets"}
)


def notebook(*cells: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("from collections import Counter\nimport json, math", []),
        ("import ipywidgets as widgets", []),
        ("import numpy as np", ["numpy"]),
        ("import torch.nn.functional as F", ["torch"]),
        ("def late():\n    import numpy", ["numpy"]),
        ("try:\n    import torch\nexcept ImportError:\n    torch = None", ["torch"]),
        ("from urllib.parse import quote", []),
        ("from urllib import request", ["urllib.request"]),
        ("import urllib.request", ["urllib.request"]),
        ("from concurrent.futures import ThreadPoolExecutor", ["concurrent.futures"]),
        ("import asyncio\nawait asyncio.sleep(0)", []),
        ("import math\n!ls -l", ["!ls -l"]),
        ("%%writefile river.py\nimport math", ["%%writefile river.py"]),
        ("# import numpy\ntext = 'import torch'", []),
    ],
)
def test_imports_decide_whether_a_page_runs_in_the_browser(code, found):
    assert obstacles(notebook(code), MODULES) == found


def test_prose_is_not_read_and_all_cells_are():
    cells = notebook("import math", "import numpy")
    cells.cells.insert(0, nbformat.v4.new_markdown_cell("import torch"))
    assert obstacles(cells, MODULES) == ["numpy"]


def wheel(folder, name: str, *needs: str) -> None:
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as file:
        file.writestr(f"{name}/__init__.py", "")
        text = "".join(f"Requires-Dist: {need}\n" for need in needs)
        file.writestr(f"{name}-1.0.dist-info/METADATA", f"Name: {name}\nVersion: 1.0\n{text}")


def test_the_lock_names_only_what_is_there(tmp_path):
    """A package without its file, or with a dependency without its file, cannot be imported."""

    def entry(name, *depends):
        return {
            "name": name,
            "file_name": f"{name}-1.0-cp314-wasm.whl",
            "imports": [name],
            "depends": list(depends),
            "sha256": "of Pyodide's own build",
        }

    (tmp_path / "numpy-1.0-cp314-wasm.whl").write_bytes(b"")
    (tmp_path / "scipy-1.0-cp314-wasm.whl").write_bytes(b"")
    packages = [entry("numpy"), entry("scipy", "openblas"), entry("openblas"), entry("pure")]
    wheel(tmp_path, "pure")
    wheel(tmp_path, "added", "pure>=1", "numpy", "absent; extra == 'test'")
    lock = cut_lock({"info": {}, "packages": {one["name"]: one for one in packages}}, tmp_path)
    assert set(lock["packages"]) == {"numpy", "pure", "added"}
    assert lock["packages"]["numpy"]["sha256"] == "of Pyodide's own build"
    assert lock["packages"]["pure"]["file_name"] == "pure-1.0-py3-none-any.whl"
    assert len(lock["packages"]["pure"]["sha256"]) == 64
    assert lock["packages"]["added"]["imports"] == ["added"]
    assert lock["packages"]["added"]["depends"] == ["numpy", "pure"]


def test_a_site_gets_the_notebooks_without_outputs_and_leaves_the_build_alone(tmp_path):
    app = tmp_path / "built" / APP
    (app / "notebooks").mkdir(parents=True)
    (app / "notebooks/jupyter-lite.json").write_text('{"jupyter-config-data": {}}')
    (app / "notebooks/index.html").write_text("<html><head></head></html>")
    (app / "api/contents").mkdir(parents=True)
    (app / "api/contents/all.json").write_text("{}")
    cells = notebook("1 + 1")
    cells.cells[0].outputs = [nbformat.v4.new_output("stream", text="2")]
    link = nbformat.v4.new_markdown_cell("Sigue en [Dos](dos.md#x) o [fuera](https://a.cl/b.md).")
    cells.cells.append(link)
    pages = [Page("uno.md", language, "", cells) for language in ("es", "en")]
    site = tmp_path / "site"
    for page in pages:
        (site / page.language / "notebooks").mkdir(parents=True)
        nbformat.write(cells, site / page.language / "notebooks/uno.ipynb")
    place(Lite(tmp_path / "built", MODULES, 1), site, pages)
    shown = nbformat.read(site / "lite/files/es/uno.ipynb", as_version=4)
    assert shown.cells[0].outputs == [] and shown.cells[0].source == "1 + 1"
    assert shown.cells[1].source == "Sigue en *Dos* o [fuera](https://a.cl/b.md)."
    assert shown.metadata.kernelspec.name == "python"
    listed = json.loads((site / "lite/api/contents/es/all.json").read_text())
    assert [one["path"] for one in listed["content"]] == ["es/uno.ipynb"]
    root = json.loads((site / "lite/api/contents/all.json").read_text())
    assert [one["path"] for one in root["content"]] == ["en", "es"]
    told = json.loads((site / "lite/notebooks-es/jupyter-lite.json").read_text())[
        "jupyter-config-data"
    ]
    assert "es_ES" in json.dumps(told["settingsOverrides"])
    assert (app / "api/contents/all.json").read_text() == "{}"
    assert (app / "notebooks/jupyter-lite.json").read_text() == '{"jupyter-config-data": {}}'

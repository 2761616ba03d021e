"""Run the book's code cells, once per different code; a second build takes the saved outputs."""

import ast
import hashlib
import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from traitlets.config import Config

from book.sources import BookError, Page

CELL_SECONDS = 180
# Runs last: what the page took, with the processes that it started.
CPU_SECONDS = "import os\nprint(sum(os.times()[:4]))"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
STYLE = Path(__file__).parent / "matplotlibrc"
# A new version of one of these may change what a cell shows.
SHOWS = ("ipykernel", "ipywidgets", "matplotlib", "numpy", "torch")


def execute(pages: list[Page], folders: dict[str, Path], cache: Path, workers: int = 2) -> int:
    """Fill in the outputs of all pages that have code; return how many notebooks were run.

    `folders` says per language where its files lie: the cells run there. Pages whose code differs
    only in comments share one run. Raises BookError for a cell that fails.
    """
    cache.mkdir(parents=True, exist_ok=True)
    first_of: dict[str, Page] = {}
    keys = {}
    for page in pages:
        if page.notebook is not None:
            keys[id(page)] = key = code_key(page.notebook, folders[page.language])
            first_of.setdefault(key, page)
    due = [key for key in first_of if not (cache / f"{key}.json").exists()]
    with (
        tempfile.TemporaryDirectory(prefix="minga-book-") as scratch,
        ThreadPoolExecutor(workers) as pool,
    ):
        _write_kernel_configuration(Path(scratch))
        # traitlets finds a class's parts with its first instance; two threads at once collide.
        NotebookClient(nbformat.v4.new_notebook())

        def run(key: str) -> None:
            page = first_of[key]
            saved = _run(page, folders[page.language], Path(scratch), key)
            path = cache / f"{key}.json"
            path.with_suffix(".new").write_text(json.dumps(saved), encoding="utf-8")
            path.with_suffix(".new").replace(path)

        # A page that measures time has the machine for itself.
        list(pool.map(run, [key for key in due if not first_of[key].alone]))
        for key in due:
            if first_of[key].alone:
                run(key)
    for page in pages:
        if page.notebook is not None:
            saved = json.loads((cache / f"{keys[id(page)]}.json").read_text(encoding="utf-8"))
            _fill_in(page.notebook, saved)
    return len(due)


def code_key(notebook: NotebookNode, folder: Path) -> str:
    """Return a hash of all that decides a notebook's outputs: code, data files, versions, style."""
    digest = hashlib.sha256(STYLE.read_bytes() + CPU_SECONDS.encode())
    for package in SHOWS:
        try:
            digest.update(f"{package} {version(package)}\n".encode())
        except PackageNotFoundError:
            continue
    for path in sorted(
        p for p in folder.rglob("*") if p.is_file() and p.suffix in {".csv", ".json"}
    ):
        digest.update(path.read_bytes())
    for cell in _code_cells(notebook):
        tags = sorted(cell.metadata.get("tags", []))
        digest.update(json.dumps([_without_comments(cell.source), tags]).encode())
    return digest.hexdigest()[:32]


def _without_comments(source: str) -> str:
    try:
        return ast.dump(ast.parse(source)) + (";" if source.rstrip().endswith(";") else "")
    except SyntaxError:  # IPython's own: %magic, !command
        return source


def _code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _write_kernel_configuration(scratch: Path) -> None:
    profile = scratch / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_kernel_config.py").write_text(
        "c = get_config()\n"
        "c.InlineBackend.figure_formats = {'svg'}\n"
        "c.InlineBackend.print_figure_kwargs = "
        "{'bbox_inches': 'tight', 'metadata': {'Date': None}}\n"
        "c.HistoryManager.enabled = False\n",
        encoding="utf-8",
    )


def _run(page: Page, folder: Path, scratch: Path, key: str) -> dict:
    """Run one page's cells in a fresh kernel; return {outputs: [per cell], widgets, seconds}."""
    notebook = nbformat.from_dict(json.loads(json.dumps(page.notebook)))
    notebook.metadata["kernelspec"] = {
        "name": page.front.get("kernelspec", {}).get("name", "python3")
    }
    # Sockets in a private folder rather than open ports: other users of the machine cannot reach
    # them, and their names stay below the system's limit of about 100 characters.
    connection = {"transport": "ipc", "connection_file": str(scratch / f"{key[:12]}.json")}
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        store_widget_state=True,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
        config=Config({"KernelManager": connection}),
    )
    notebook.cells.append(nbformat.v4.new_code_cell(CPU_SECONDS))
    environment = {
        **os.environ,
        "IPYTHONDIR": str(scratch / "ipython"),
        "MATPLOTLIBRC": str(STYLE),
        "PYTHONHASHSEED": "0",
    }
    try:
        client.execute(env=environment)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise BookError(_explain(page, notebook, error)) from error
    seconds = float(notebook.cells.pop().outputs[0]["text"])
    return {
        "outputs": [cell.outputs for cell in _code_cells(notebook)],
        "widgets": notebook.metadata.get("widgets", {}),
        "seconds": round(seconds, 1),
    }


def _explain(page: Page, notebook: NotebookNode, error: Exception) -> str:
    """Say which cell of which page failed, and how."""
    cells = _code_cells(notebook)[:-1]  # the last one is ours, which measures
    failed = next(
        (n for n, cell in enumerate(cells) if any(o.output_type == "error" for o in cell.outputs)),
        sum(1 for cell in cells if cell.get("execution_count")) - 1,
    )
    source = cells[max(failed, 0)].source
    reason = (
        f"{error.ename}: {error.evalue}" if isinstance(error, CellExecutionError) else str(error)
    )
    return (
        f"{page.file} ({page.language}): code cell {failed + 1} of {len(cells)} failed\n"
        f"  {reason}\n  The cell:\n    " + "\n    ".join(source.splitlines())
    )


def _fill_in(notebook: NotebookNode, saved: dict) -> None:
    for cell, outputs in zip(_code_cells(notebook), saved["outputs"], strict=True):
        cell.outputs = [nbformat.from_dict(output) for output in outputs]
    if saved["widgets"].get(WIDGET_STATE, {}).get("state"):
        notebook.metadata["widgets"] = nbformat.from_dict(saved["widgets"])

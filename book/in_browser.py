"""Which pages' code runs in the reader's own browser, and what JupyterLite needs to open them."""

import ast
import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

from nbformat import NotebookNode

from book.lite import APP, LOCALES, Lite, link
from book.site import interface_words
from book.sources import Page

FOLDER = "lite"  # in the site, beside the languages
# Python's own modules that a browser has no use for: it has no processes, threads or sockets.
OUT_OF_REACH = {
    "concurrent.futures",
    "http.client",
    "http.server",
    "multiprocessing",
    "readline",
    "resource",
    "socket",
    "socketserver",
    "ssl",
    "subprocess",
    "threading",
    "urllib.request",
}
LINK = re.compile(r"\[([^\]]+)\]\([\w/-]+\.md(?:#[^)]*)?\)")  # JupyterLite has no other page
KERNEL = {"name": "python", "display_name": "Python (Pyodide)", "language": "python"}


def obstacles(notebook: NotebookNode, modules: frozenset[str]) -> list[str]:
    """Return what keeps a notebook from running in a browser that has `modules`; [] if nothing.

    These are imports that cannot be had there, and lines that are not Python but IPython's own.
    """
    found = set()
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        try:
            flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            tree = compile(cell.source, "cell", "exec", flags)
        except SyntaxError as error:
            found.add((error.text or cell.source).strip().splitlines()[0])
            continue
        for name in _imported(tree):
            if name.partition(".")[0] not in modules:
                found.add(name.partition(".")[0])
            found |= {one for one in OUT_OF_REACH if f"{name}.".startswith(f"{one}.")}
    return sorted(found)


def _imported(tree: ast.Module) -> set[str]:
    """Return all dotted names that may be modules: for `from a import b`, `a` and `a.b`."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def pages_that_run(pages: list[Page], lite: Lite | None, say) -> list[Page]:
    """Return the pages that a reader can try in the browser, and say why others cannot."""
    with_code = [page for page in pages if page.notebook is not None]
    if lite is None or not with_code:
        return []
    reasons = {page.slug: obstacles(page.notebook, lite.modules) for page in with_code}
    able = [page for page in with_code if not reasons[page.slug]]
    say(f"in the browser: {', '.join(sorted({page.slug for page in able})) or 'no page'}")
    for slug, found in reasons.items():
        if found:
            say(f"  in the hub: {slug} ({', '.join(found)})")
    return able


def address(prefix: str, page: Page) -> str:
    """Return the path at which a page's notebook opens."""
    return f"{prefix}/{FOLDER}/{_door(page.language)}/?path={page.language}/{page.slug}.ipynb"


def _door(language: str) -> str:
    return f"notebooks-{language}"  # JupyterLite looks for "/notebooks" in the address


def place(lite: Lite, site: Path, pages: list[Page]) -> None:
    """Put JupyterLite into the site, in the pages' languages and with their notebooks."""
    target = site / FOLDER
    # Links, not copies: it is megabytes, and the same in each build.
    shutil.copytree(lite.folder / APP, target, copy_function=link)
    for language in sorted({page.language for page in pages}):
        _write_door(target, language)
        names = [page.slug for page in pages if page.language == language]
        folder = target / "files" / language
        folder.mkdir(parents=True)
        for name in names:
            notebook = site / language / "notebooks" / f"{name}.ipynb"
            (folder / notebook.name).write_text(_to_be_run(notebook), encoding="utf-8")
        _list(target, folder)
    _list(target, target / "files")


def _write_door(target: Path, language: str) -> None:
    """Make the page at which notebooks open, in a language: JupyterLite's own with other words."""
    door, words = target / _door(language), interface_words(language)
    shutil.copytree(target / "notebooks", door)
    page = (door / "index.html").read_text(encoding="utf-8")
    for english, ours in {
        "<html>": f'<html lang="{language}">',
        # Named at once, or the browser asks the host for its own.
        "<head>": '<head>\n    <link rel="icon" href="favicon.ico">',
        "Loading JupyterLite...": words["opening_notebook"],
        "JupyterLite requires JavaScript to be enabled in your browser.": words["no_script"],
    }.items():
        page = page.replace(english, ours)
    told = json.loads((door / "jupyter-lite.json").read_text(encoding="utf-8"))
    settings = {"@jupyterlab/apputils-extension:themes": {"adaptive-theme": True}}
    if language in LOCALES:
        settings["@jupyterlab/translation-extension:plugin"] = {"locale": LOCALES[language]}
    told["jupyter-config-data"]["settingsOverrides"] = settings
    (door / "index.html").write_text(page, encoding="utf-8")
    (door / "jupyter-lite.json").write_text(json.dumps(told), encoding="utf-8")


def _to_be_run(path: Path) -> str:
    """Return a page's notebook without outputs and ways out, for the kernel of the browser."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["metadata"]["kernelspec"] = KERNEL
    notebook["metadata"].pop("widgets", None)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
        else:
            cell["source"] = LINK.sub(r"*\1*", "".join(cell["source"]))
    return json.dumps(notebook, ensure_ascii=False)


def _list(target: Path, folder: Path) -> None:
    """Write the answer to "what is in this folder?", which a static host cannot give."""
    inside = folder.relative_to(target / "files")
    content = [_entry(path, inside / path.name) for path in sorted(folder.iterdir())]
    answer = target / "api/contents" / inside / "all.json"
    answer.parent.mkdir(parents=True, exist_ok=True)
    answer.unlink(missing_ok=True)  # it may be a link to the file that other builds use
    model = {**_entry(folder, inside), "content": content, "format": "json"}
    answer.write_text(json.dumps(model), encoding="utf-8")


def _entry(path: Path, inside: Path) -> dict:
    """Return the model of a file or a folder as Jupyter's contents API has it."""
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat().replace("+00:00", "Z")
    return {
        "name": inside.name,
        "path": "" if inside == Path() else inside.as_posix(),
        "type": "directory" if path.is_dir() else "notebook",
        "content": None,
        "format": None,
        "mimetype": None,
        "size": None if path.is_dir() else path.stat().st_size,
        "writable": True,
        "created": changed,
        "last_modified": changed,
    }

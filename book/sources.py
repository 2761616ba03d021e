"""The book's pages in one language: read, translated, and written where mystmd builds them."""

import copy
import hashlib
import json
import os
import pickle
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import jupytext
import nbformat
import polib
import yaml
from nbformat import NotebookNode

from book import notebook_text
from book.headings import label_headings
from translation import markdown
from translation.languages import SOURCE as SOURCE_LANGUAGE
from translation.languages import name as own_name
from translation.languages import offered
from translation.segments import TranslationError

LANGUAGES = offered()  # the deployment's
LANGUAGE_NAMES = {code: own_name(code) for code in LANGUAGES}
THEME = Path(__file__).parent / "theme"
# What a page may show or read beside its text; everything else in the folder stays out of the site.
FILES = {".png", ".svg", ".jpg", ".jpeg", ".gif", ".webp", ".csv", ".json", ".txt", ".bib"}
OUTSIDE = {"theme", "pyodide", "locale", "_build", "__pycache__", "node_modules"}

_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_CODE_CELL = re.compile(r"^(`{3,}|:{3,})\{code-cell\}", re.MULTILINE)
_COLON_FENCE = re.compile(r"^\s*(:{3,})(\{[^}]+\})?", re.MULTILINE)


class BookError(Exception):
    """Something in the book that a person must mend; the message says what and where."""


@dataclass
class Page:
    """One page in one language; `notebook` is None for a page without code cells.

    `alone`: its cells measure time, so nothing else runs beside them.
    """

    file: str
    language: str
    text: str
    notebook: NotebookNode | None = None
    translated: float = 1.0
    front: dict = field(default_factory=dict)
    alone: bool = False

    @property
    def slug(self) -> str:
        """The page's part of the address, the same in all languages."""
        return Path(self.file).stem


def read_project(source: Path) -> dict:
    """Return `myst.yml` as a dictionary. Raises BookError when it is missing or not YAML."""
    path = source / "myst.yml"
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise BookError(f"{path}: {error}") from error


def page_files(toc: list) -> list[str]:
    """Return the files that a table of contents names, in reading order."""
    files = []
    for entry in toc:
        if "file" in entry:
            files.append(entry["file"])
        files += page_files(entry.get("children", []))
    return files


def catalog(source: Path, language: str, name: str) -> polib.POFile | None:
    """Return the catalog of one document, or None where there is none (or no need of one)."""
    path = source / "locale" / language / f"{name}.po"
    return polib.pofile(str(path)) if language != SOURCE_LANGUAGE and path.exists() else None


def translate(
    text: str, entries: polib.POFile | None, path: Path, language: str
) -> tuple[str, float]:
    """Return a page in another language, and how much of it is translated, from 0 to 1.

    Raises BookError where a translation would change more than words.
    """
    if entries is None:
        return text, 0.0
    messages = {segment.msgid for segment in markdown.segments(text)}
    done = messages & {entry.msgid for entry in entries if entry.translated()}
    try:
        return markdown.translate(text, entries), len(done) / max(len(messages), 1)
    except TranslationError as error:
        raise BookError(f"{path} in '{language}': {error}") from error


def read_page(source: Path, file: str, language: str) -> Page:
    """Return one page in one language; without a catalog it stays in Spanish and says so.

    Raises BookError with file and reason for a page that cannot be read.
    """
    path = source / file
    if path.suffix != ".md" or not path.is_file():
        raise BookError(f"{path}: named in myst.yml, but there is no such Markdown page")
    text = original = path.read_text(encoding="utf-8")
    share = 1.0
    if language != SOURCE_LANGUAGE:
        text, share = translate(text, catalog(source, language, path.stem), path, language)
    front, body = split_front_matter(text, path)
    body = label_headings(body, split_front_matter(original, path)[1], path.stem)
    alone = bool(front.get("site", {}).pop("alone", False))
    page = Page(file, language, body, translated=share, front=front, alone=alone)
    if _CODE_CELL.search(body):
        page.notebook = to_notebook(body, page.slug, path)
    return page


def read_pages(source: Path, files: list[str], cache: Path) -> list[Page]:
    """Return all pages in all languages; what did not change since last time comes from `cache`.

    Raises BookError as `read_page` does.
    """
    cache.mkdir(parents=True, exist_ok=True)
    tools = hashlib.sha256()
    for folder in (Path(__file__).parent, Path(markdown.__file__).parent):
        for path in sorted(folder.glob("*.py")):
            tools.update(path.read_bytes())
    pages, used = [], set()
    for language in LANGUAGES:
        for file in files:
            digest = tools.copy()
            digest.update(f"{source} {file} {language}".encode())
            for path in (source / file, source / "locale" / language / f"{Path(file).stem}.po"):
                digest.update(path.read_bytes() if path.is_file() else b"-")
            kept = cache / f"{digest.hexdigest()}.pickle"
            if not kept.exists():
                kept.write_bytes(pickle.dumps(read_page(source, file, language)))
            # Written by this very program, below the folder it works in.
            pages.append(pickle.loads(kept.read_bytes()))  # noqa: S301
            used.add(kept)
    for old in set(cache.iterdir()) - used:
        old.unlink()
    return pages


def split_front_matter(text: str, path: Path) -> tuple[dict, str]:
    """Split a page into its front matter and its text.

    `minga: {course, assignment, alone}` becomes the theme's options of the page: mystmd keeps
    only keys that it knows. Raises BookError for front matter that is not a YAML mapping.
    """
    match = _FRONT_MATTER.match(text)
    if not match:
        return {}, text
    try:
        front = yaml.safe_load(match[1]) or {}
    except yaml.YAMLError as error:
        raise BookError(f"{path}: front matter: {error}") from error
    if not isinstance(front, dict):
        raise BookError(f"{path}: front matter: 'key: value' lines expected")
    if minga := front.pop("minga", None):
        front["site"] = {**front.get("site", {}), **minga}
    return front, text[match.end() :]


def to_notebook(body: str, slug: str, path: Path) -> NotebookNode:
    """Return a page's text as a notebook: one cell per code cell and per stretch of prose.

    Raises BookError for a code cell inside another directive, which it would tear in two.
    """
    notebook = jupytext.reads(body, fmt="md:myst")
    notebook.metadata = nbformat.from_dict({})
    for number, cell in enumerate(notebook.cells):
        # Ids that do not change from build to build, and differ between pages.
        cell.id = f"{slug[:48]}-{number}"
        if cell.cell_type == "markdown" and _open_fences(cell.source):
            following = notebook.cells[number + 1] if number + 1 < len(notebook.cells) else None
            line = following.source.splitlines()[0] if following and following.source else ""
            raise BookError(
                f"{path}: the code cell '{line}' is inside a ':::' block; "
                "end the block before the cell (use the tag hide-cell or hide-input to fold it)"
            )
    return notebook


def _open_fences(text: str) -> bool:
    """Say whether a ':::' block is still open at the end of `text`."""
    without_code = re.sub(r"^(\s*)(`{3,})[^\n]*\n.*?^\1\2`*\s*$", "", text, flags=re.M | re.S)
    depth = 0
    for match in _COLON_FENCE.finditer(without_code):
        depth += 1 if match[2] else -1
    return depth > 0


def files_in(folder: Path, outside: set[str]) -> Iterator[Path]:
    """Yield the files below a folder; folders named in `outside` are not even walked through."""
    for path, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - outside)
        for name in sorted(names):
            yield Path(path, name)


def write_sources(source: Path, target: Path, language: str, pages: list[Page]) -> None:
    """Write the pages, `myst.yml` and the files beside them to `target` for mystmd to build."""
    for path in files_in(source, OUTSIDE):
        if path.suffix in FILES:
            inside = path.relative_to(source)
            (target / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target / inside)
    notebooks = set()
    for page in pages:
        path = target / page.file
        path.parent.mkdir(parents=True, exist_ok=True)
        if page.notebook is None:
            path.write_text(_front_matter(page) + _hide_dois(page.text), encoding="utf-8")
            continue
        notebooks.add(page.file)
        notebook = _for_mystmd(page)
        widgets = notebook.metadata.pop("widgets", None)
        path.with_suffix(".ipynb").write_text(_as_json(notebook), encoding="utf-8")
        if widgets:  # the theme reads them here: mystmd would only parse and copy them
            (target / widgets_file(page)).write_text(json.dumps(widgets), encoding="utf-8")
    project = _translated_project(read_project(source), catalog(source, language, "myst"))
    project["project"]["toc"] = _with_notebooks(project["project"]["toc"], notebooks)
    project["site"] = {**project.get("site", {}), "template": str(THEME)}
    text = yaml.safe_dump(project, allow_unicode=True, sort_keys=False)
    (target / "myst.yml").write_text(text, encoding="utf-8")


def widgets_file(page: Page) -> str:
    """Return the file, beside `myst.yml`, with the saved state of a page's widgets; or ""."""
    has_widgets = page.notebook is not None and "widgets" in page.notebook.metadata
    return f"{page.slug}.widgets.json" if has_widgets else ""


def _front_matter(page: Page) -> str:
    front = dict(page.front)
    if page.notebook is not None:
        front["site"] = {**front.get("site", {}), "notebook": f"{page.slug}.ipynb"}
    return f"---\n{yaml.safe_dump(front, allow_unicode=True, sort_keys=False)}---\n\n"


def _hide_dois(text: str) -> str:
    """Keep mystmd from asking doi.org about each DOI link; the theme turns them back."""
    return re.sub(r"(?<=[(<])https://(dx\.)?doi\.org/", "https://doi-org.invalid/", text)


def _for_mystmd(page: Page) -> NotebookNode:
    notebook = copy.deepcopy(page.notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _hide_dois(cell.source)
    front = nbformat.v4.new_markdown_cell(_front_matter(page), id=f"{page.slug[:48]}-front")
    notebook.cells.insert(0, front)
    _name_kernel(notebook, page)
    return notebook


def _name_kernel(notebook: NotebookNode, page: Page) -> None:
    python = {"name": "python3", "display_name": "Python 3"}
    notebook.metadata["kernelspec"] = page.front.get("kernelspec", python)
    notebook.metadata["language_info"] = {"name": "python"}


_FOLDED = {"hide-input", "remove-input", "hide-cell"}


def write_download(page: Page, path: Path) -> None:
    """Write a page's executed notebook as a reader wants it: its title, and nothing of MyST's."""
    notebook = copy.deepcopy(page.notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = notebook_text.plain(cell.source)
        elif _FOLDED & set(cell.metadata.get("tags", ())):
            cell.metadata["jupyter"] = {"source_hidden": True}  # JupyterLab's own way to fold it
    title = f"# {page.front.get('title', page.slug)}"
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell(title, id=f"{page.slug[:48]}-title"))
    _name_kernel(notebook, page)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_as_json(notebook), encoding="utf-8")


def _as_json(notebook: NotebookNode) -> str:
    # nbformat.write indents, for readers of differences; that takes ten times as long.
    return json.dumps(notebook, ensure_ascii=False)


def _translated_project(project: dict, entries: polib.POFile | None) -> dict:
    words = {e.msgid: e.msgstr for e in entries or [] if e.translated()}

    def translate(value: object, key: str = "") -> object:
        if isinstance(value, dict):
            return {k: translate(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [translate(v) for v in value]
        return words.get(value, value) if key in {"title", "description", "subtitle"} else value

    return translate(project)


def _with_notebooks(toc: list, notebooks: set[str]) -> list:
    def entry(item: dict) -> dict:
        item = dict(item)
        if item.get("file") in notebooks:
            item["file"] = str(Path(item["file"]).with_suffix(".ipynb"))
        if "children" in item:
            item["children"] = [entry(child) for child in item["children"]]
        return item

    return [entry(item) for item in toc]

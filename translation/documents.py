"""Which documents are translated, and where their catalogs are (documents.yaml)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import nbformat
import yaml

from translation import markdown, notebook, yaml_text
from translation.segments import Segment, TranslationError, put_guarded, translations

CONFIGURATION = Path(__file__).parent / "documents.yaml"
_NAME = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Document:
    """One translated document: its path, and per language the path of its catalog."""

    path: Path
    catalogs: dict[str, Path]
    name: str  # the path from the root, as messages show it

    def text(self) -> str:
        """Return the document's text with its own line ends. Raises TranslationError."""
        try:
            return self.path.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise TranslationError(f"{self.name}: {error}") from error

    def segments(self) -> list[Segment]:
        """Return the document's messages. Raises TranslationError naming the document."""
        try:
            if self.path.suffix == ".ipynb":
                return notebook.segments(notebook.read(self.path))
            if self.path.suffix == ".md":
                return markdown.segments(self.text())
            return yaml_text.segments(self.text())
        except TranslationError as error:
            raise TranslationError(f"{self.name}: {error}") from error

    def translate(self, catalog) -> str:
        """Return the translated document as it is written to a file. Raises TranslationError."""
        try:
            if self.path.suffix == ".ipynb":
                translated = notebook.translate(notebook.read(self.path), catalog)
                return nbformat.writes(translated) + "\n"
            if self.path.suffix == ".md":
                return markdown.translate(self.text(), catalog)
            found = yaml_text.segments(self.text())
            words = translations(catalog)
            return put_guarded(self.text(), found, words, yaml_text.difference)
        except TranslationError as error:
            raise TranslationError(f"{self.name}: {error}") from error


@dataclass(frozen=True)
class Configuration:
    """documents.yaml: the source language, the targets, and rules from documents to catalogs."""

    source: str
    targets: tuple[str, ...]
    rules: tuple[dict, ...]
    root: Path


def configuration(root: Path, path: Path = CONFIGURATION) -> Configuration:
    """Read documents.yaml. Raises TranslationError with key and reason when it is wrong."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise TranslationError(f"{path}: {error}") from error
    for key, kind in {"source": str, "targets": list, "documents": list}.items():
        if not isinstance(data, dict) or not isinstance(data.get(key), kind):
            raise TranslationError(f"{path}: key '{key}' is missing or not a {kind.__name__}")
    for number, rule in enumerate(data["documents"], start=1):
        if not isinstance(rule, dict) or not {"document", "catalog"} <= rule.keys():
            raise TranslationError(f"{path}: documents, entry {number}: needs document and catalog")
        unknown = set(_NAME.findall(rule["catalog"])) - {"language"} - _names(rule["document"])
        if unknown:
            raise TranslationError(
                f"{path}: documents, entry {number}: the catalog uses {{{unknown.pop()}}}, "
                "which the document does not have"
            )
    return Configuration(data["source"], tuple(data["targets"]), tuple(data["documents"]), root)


def _names(pattern: str) -> set[str]:
    return set(_NAME.findall(pattern))


def find(conf: Configuration, wanted: Iterable[str] = ()) -> list[Document]:
    """Return all documents, or those named (by path, stem or a folder above them).

    Raises TranslationError for a name that is none of them.
    """
    found: dict[Path, Document] = {}
    for rule in conf.rules:
        expression = re.compile(
            "".join(
                f"(?P<{part}>[^/]+)" if number % 2 else re.escape(part)
                for number, part in enumerate(_NAME.split(rule["document"]))
            )
        )
        for path in sorted(conf.root.glob(_NAME.sub("*", rule["document"]))):
            name = path.relative_to(conf.root).as_posix()
            match = expression.fullmatch(name)
            parts = match.groupdict() if match else {}
            if not match or set(parts.values()) & set(rule.get("except", ())):
                continue
            catalogs = {
                language: conf.root / rule["catalog"].format(**parts, language=language)
                for language in conf.targets
            }
            found.setdefault(path, Document(path, catalogs, name))
    documents = list(found.values())
    if not (wanted := list(wanted)):
        return documents
    chosen: dict[Path, Document] = {}
    for name in wanted:
        path = (conf.root / name).resolve() if not Path(name).is_absolute() else Path(name)
        here = [
            d
            for d in documents
            if d.path.resolve() == path or path in d.path.resolve().parents or d.path.stem == name
        ]
        if not here:
            known = "\n  ".join(d.name for d in documents)
            raise TranslationError(f"'{name}' is no translated document. There are:\n  {known}")
        chosen |= {d.path: d for d in here}
    return list(chosen.values())

"""Which documents are translated, and where their catalogs are (documents.yaml)."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
import yaml

from translation import catalogs, languages, markdown, notebook, yaml_text
from translation.hub_pages import HubPages
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

    def segments(self, language: str = "") -> list[Segment]:
        """Return the document's messages; where a text stands in `language` already, without it.

        Raises TranslationError naming the document.
        """
        return list(self._segments(language)) if self._is_course else self._of_all_languages

    @property
    def _is_course(self) -> bool:
        return self.path.suffix == ".yaml"

    @cached_property
    def _of_all_languages(self) -> list[Segment]:
        return self._segments("")

    def _segments(self, language: str) -> list[Segment]:
        try:
            if self.path.suffix == ".ipynb":
                return notebook.segments(notebook.read(self.path))
            return _FORMS[self.path.suffix].segments(self.text(), language)
        except TranslationError as error:
            raise TranslationError(f"{self.name}: {error}", error.line) from error

    def translate(self, catalog, language: str = "") -> str:
        """Return the translated document as it is written to a file. Raises TranslationError."""
        try:
            if self.path.suffix == ".ipynb":
                source = notebook.read(self.path)
                translated = notebook.translate(source, catalog)
                return self.text() if translated == source else nbformat.writes(translated) + "\n"
            text, form = self.text(), _FORMS[self.path.suffix]
            return put_guarded(
                text,
                form.segments(text, language),
                translations(catalog),
                lambda before, after: form.difference(before, after, language),
            )
        except TranslationError as error:
            raise TranslationError(f"{self.name}: {error}") from error

    def update(self, language: str) -> bool:
        """Bring the catalog up to date; return whether the file changed."""
        path = self.catalogs[language]
        return catalogs.update(path, self.segments(language), self.name, language)


@dataclass(frozen=True)
class _Form:
    """How texts of one file type become messages, and what a translation may not change."""

    segments: Callable[[str, str], list[Segment]]
    difference: Callable[[str, str, str], str | None]


_FORMS: Mapping[str, _Form] = {
    ".md": _Form(
        lambda text, _: markdown.segments(text), lambda a, b, _: markdown.difference(a, b)
    ),
    ".yml": _Form(
        lambda text, _: yaml_text.segments(text), lambda a, b, _: yaml_text.difference(a, b)
    ),
    ".json": _Form(
        lambda text, _: yaml_text.words(text), lambda a, b, _: yaml_text.words_difference(a, b)
    ),
    ".yaml": _Form(yaml_text.side_by_side, yaml_text.side_by_side_difference),
}


@dataclass(frozen=True)
class Configuration:
    """documents.yaml: rules from documents to catalogs, and what texts are checked against.

    `targets` are the languages to translate into, `spelling` the dictionaries of each language.
    """

    targets: tuple[str, ...]
    rules: tuple[dict, ...]
    root: Path
    glossary: str = ""
    spelling: Mapping[str, list[str]] = None


def configuration(
    root: Path, path: Path = CONFIGURATION, targets: tuple[str, ...] | None = None
) -> Configuration:
    """Read documents.yaml. Raises TranslationError with key and reason when it is wrong.

    `targets` are those of the deployment, unless given.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise TranslationError(f"{path}: {error}") from error
    for key, kind in {"documents": list, "glossary": str, "spelling": dict}.items():
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
    return Configuration(
        languages.targets() if targets is None else targets,
        tuple(data["documents"]),
        root,
        data["glossary"],
        data["spelling"],
    )


def _names(pattern: str) -> set[str]:
    return set(_NAME.findall(pattern))


def find(conf: Configuration, wanted: Iterable[str] = ()) -> list[Document | HubPages]:
    """Return all documents, or those named (by path, stem or a folder above them).

    Raises TranslationError for a name that is none of them.
    """
    found: dict[Path, Document | HubPages] = {}
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
            places = {
                language: conf.root / rule["catalog"].format(**parts, language=language)
                for language in conf.targets
            }
            document = (
                HubPages(path, places, name, conf.root, tuple(rule["folders"]))
                if path.suffix == ".cfg"
                else Document(path, places, name)
            )
            found.setdefault(path, document)
    documents = list(found.values())
    if not (wanted := list(wanted)):
        return documents
    chosen: dict[Path, Document | HubPages] = {}
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

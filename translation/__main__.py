"""`python -m translation extract|check|build|status|pseudo`: catalogs from documents and back."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from translation import badges, catalogs, checks, pseudo
from translation.checks import Counts
from translation.documents import Configuration, Document, configuration, find
from translation.languages import PSEUDO
from translation.segments import TranslationError

REPOSITORY = Path(__file__).parent.parent


def extract(documents: list[Document], languages: list[str]) -> int:
    """Bring all catalogs up to date with their documents; print those that changed."""
    changed = 0
    for document in documents:
        for language in languages:
            if document.update(language):
                changed += 1
                count = checks.counts(document, language)
                path = document.catalogs[language]
                print(f"{_short(path)}: {count.fuzzy} fuzzy, {count.missing} missing")
    print(f"{len(documents)} documents, {changed} catalogs changed")
    return 0


def check(documents: list[Document], languages: list[str], against: checks.Standards) -> int:
    """Print all that is wrong, a line each; return 1 if there is anything."""
    problems = [p for d in documents for p in checks.check_source(d, against)]
    problems += [
        p for d in documents for language in languages for p in checks.check(d, language, against)
    ]
    for problem in problems:
        print(f"{_short(problem.path)}:{problem.line}: {problem.language}: {problem.text}")
    if problems:
        print(f"{len(problems)} problems", file=sys.stderr)
    return 1 if problems else 0


def build(documents: list[Document], language: str, output: Path) -> int:
    """Write translated copies below `output`, with the paths that the sources have."""
    for document in documents:
        path = document.catalogs[language]
        catalog = catalogs.read(path) if path.exists() else {}
        target = output / document.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(document.translate(catalog, language), encoding="utf-8", newline="")
        count = checks.counts(document, language)
        left = count.fuzzy + count.missing
        print(f"{target}" + (f" ({left} messages in the source language)" if left else ""))
    return 0


def status(documents: list[Document], languages: list[str], folder: Path | None = None) -> int:
    """Print a table: messages translated, fuzzy and missing per document and language.

    With `folder`, write a badge for each there, and one of all documents per language.
    """
    width = max((len(d.name) for d in documents), default=8)
    print(f"{'document':{width}}  lang  translated  fuzzy  missing      %")
    for language in languages:
        all_ = Counts(0, 0, 0)
        for document in documents:
            count = checks.counts(document, language)
            _row(document.name, language, count, width, folder)
            all_ = Counts(
                all_.translated + count.translated,
                all_.fuzzy + count.fuzzy,
                all_.missing + count.missing,
            )
        _row("all", language, all_, width, folder)
    return 0


def _row(name: str, language: str, count: Counts, width: int, folder: Path | None) -> None:
    print(
        f"{name:{width}}  {language:4}  {count.translated:10}  "
        f"{count.fuzzy:5}  {count.missing:7}  {count.share:5.0%}"
    )
    if folder:
        badges.write(folder, name, language, count.share)


def make_pseudo(conf: Configuration) -> int:
    """Write all catalogs of the pseudo-language, which shows what cannot be translated."""
    documents = find(replace(conf, targets=(PSEUDO,)))
    for document in documents:
        pseudo.fill(document)
    print(f"{len(documents)} documents in '{PSEUDO}'")
    return 0


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status (0 well, 1 something to mend, 2 wrong call)."""
    options = _parser().parse_args(arguments)
    try:
        conf = configuration(options.root.resolve())
        if options.command == "pseudo":
            return make_pseudo(conf)
        languages = _languages(conf, options.language)
        documents = find(conf, options.document)
        if options.command == "build":
            return build(documents, languages[0], options.output)
        if options.command == "check":
            against = checks.standards(conf, not options.no_spelling, options.words)
            return check(documents, languages, against)
        if options.command == "status":
            return status(documents, languages, options.badges)
        return extract(documents, languages)
    except TranslationError as error:
        print(f"translation: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m translation", description=__doc__)
    parser.add_argument("--root", type=Path, default=REPOSITORY, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, function in (("extract", extract), ("check", check), ("status", status)):
        command = commands.add_parser(name, help=function.__doc__.split(";")[0])
        command.add_argument("--language", action="append", help="only this one; may be repeated")
        command.add_argument("document", nargs="*", help="a path, a folder or a name; else all")
        if name == "check":
            command.add_argument("--no-spelling", action="store_true", help="ask no dictionary")
            command.add_argument(
                "--words", action="store_true", help="report words that no dictionary has, too"
            )
        if name == "status":
            command.add_argument(
                "--badges", type=Path, metavar="DIR", help="write an SVG badge for each row there"
            )
    command = commands.add_parser("build", help="write translated copies of documents")
    command.add_argument("--language", required=True)
    command.add_argument("--output", type=Path, required=True, metavar="DIR")
    command.add_argument("document", nargs="*")
    commands.add_parser("pseudo", help=make_pseudo.__doc__)
    return parser


def _languages(conf: Configuration, wanted: str | list[str] | None) -> list[str]:
    chosen = [wanted] if isinstance(wanted, str) else wanted or list(conf.targets)
    for language in chosen:
        if language not in conf.targets:
            raise TranslationError(
                f"'{language}' is not a target language; there are: {', '.join(conf.targets)} "
                "(key 'languages' of the deployment, hub_config/deployments/local.yaml)"
            )
    return chosen


if __name__ == "__main__":
    sys.exit(main())

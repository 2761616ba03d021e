"""`python -m translation extract|check|build|status`: catalogs from documents and back."""

import argparse
import sys
from pathlib import Path

from translation import catalogs, checks
from translation.documents import Configuration, Document, configuration, find
from translation.segments import TranslationError

REPOSITORY = Path(__file__).parent.parent


def extract(documents: list[Document], languages: list[str]) -> int:
    """Bring all catalogs up to date with their documents; print those that changed."""
    changed = 0
    for document in documents:
        segments = document.segments()
        for language in languages:
            path = document.catalogs[language]
            if catalogs.update(path, segments, document.name, language):
                changed += 1
                count = checks.counts(document, language)
                print(f"{_short(path)}: {count.fuzzy} fuzzy, {count.missing} missing")
    print(f"{len(documents)} documents, {changed} catalogs changed")
    return 0


def check(documents: list[Document], languages: list[str]) -> int:
    """Print all that is wrong, a line each; return 1 if there is anything."""
    problems = [p for d in documents for language in languages for p in checks.check(d, language)]
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
        target.write_text(document.translate(catalog), encoding="utf-8", newline="")
        count = checks.counts(document, language)
        left = count.fuzzy + count.missing
        print(f"{target}" + (f" ({left} messages in the source language)" if left else ""))
    return 0


def status(documents: list[Document], languages: list[str]) -> int:
    """Print a table: messages translated, fuzzy and missing per document and language."""
    width = max((len(d.name) for d in documents), default=8)
    print(f"{'document':{width}}  lang  translated  fuzzy  missing      %")
    for document in documents:
        for language in languages:
            count = checks.counts(document, language)
            total = count.translated + count.fuzzy + count.missing
            share = count.translated / total if total else 1
            print(
                f"{document.name:{width}}  {language:4}  {count.translated:10}  "
                f"{count.fuzzy:5}  {count.missing:7}  {share:5.0%}"
            )
    return 0


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status (0 well, 1 something to mend, 2 wrong call)."""
    parser = argparse.ArgumentParser(prog="python -m translation", description=__doc__)
    parser.add_argument("--root", type=Path, default=REPOSITORY, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, function in (("extract", extract), ("check", check), ("status", status)):
        command = commands.add_parser(name, help=function.__doc__.split(";")[0])
        command.add_argument("--language", action="append", help="only this one; may be repeated")
        command.add_argument("document", nargs="*", help="a path, a folder or a name; else all")
    command = commands.add_parser("build", help="write translated copies of documents")
    command.add_argument("--language", required=True)
    command.add_argument("--output", type=Path, required=True, metavar="DIR")
    command.add_argument("document", nargs="*")
    options = parser.parse_args(arguments)
    try:
        conf = configuration(options.root.resolve())
        languages = _languages(conf, options.language)
        documents = find(conf, options.document)
        if options.command == "build":
            return build(documents, languages[0], options.output)
        return {"extract": extract, "check": check, "status": status}[options.command](
            documents, languages
        )
    except TranslationError as error:
        print(f"translation: {error}", file=sys.stderr)
        return 1


def _languages(conf: Configuration, wanted: str | list[str] | None) -> list[str]:
    chosen = [wanted] if isinstance(wanted, str) else wanted or list(conf.targets)
    for language in chosen:
        if language not in conf.targets:
            raise TranslationError(
                f"'{language}' is not a target language; there are: {', '.join(conf.targets)} "
                "(translation/documents.yaml, key 'targets')"
            )
    return chosen


if __name__ == "__main__":
    sys.exit(main())

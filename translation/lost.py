"""What a translation lost or added beside words: maths, code, roles, links, placeholders."""

import re
from collections import Counter
from collections.abc import Callable

from translation import literals
from translation.segments import TranslationError

_CODE = re.compile(r"(?<![`}])(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_ROLE = re.compile(r"\{([\w:+-]+)\}(`+)(.+?)\2", re.DOTALL)
_MATHS = re.compile(r"(?<![\\$])(\$\$?)(?!\s)((?:\\.|[^$\\])+?)\1(?!\d)", re.DOTALL)
_LINK = re.compile(r"\]\(\s*<?([^)\s>]*)")
_AUTOLINK = re.compile(r"<([a-z][a-z0-9+.-]*:[^<>\s]+)>", re.IGNORECASE)
_TAG = re.compile(r"</?([a-zA-Z][\w-]*)(?=[\s/>])")
_FOOTNOTE = re.compile(r"\[\^[^\]\s]+\]")
_CITATION = re.compile(r"(?<![\w`])@[\w:-]+")
_BRACES = re.compile(r"\{[^{}]*\}")
_PERCENT = re.compile(r"%(?:\(\w+\))?[-+ #0]*(?:\d+|\*)?(?:\.\d+)?[sdifgeGExXrc](?![^\W\d_])")


def lost(message: str, translation: str, kind: str = "text") -> list[str]:
    """Return what a translation lost or added beside words: "lost: $x$", "not in the source: …"."""
    found = []
    if kind in ("string", "f-string", "docstring", "comment", "template"):
        found += _lost_in_code(message, translation, kind)
    else:
        for part in _PARTS:
            found += _compare(part(message), part(translation))
        if message.count("\n") != translation.count("\n") and kind != "html":
            found.append("another number of line breaks")
    return found


def _lost_in_code(message: str, translation: str, kind: str) -> list[str]:
    found = []
    if kind == "f-string":
        try:
            old, new = (Counter(literals.placeholders(t)) for t in (message, translation))
            found += _compare(old, new)
        except TranslationError as error:
            found.append(error.reason)
    elif kind in ("string", "template"):
        found += _compare(Counter(_BRACES.findall(message)), Counter(_BRACES.findall(translation)))
        found += _compare(
            Counter(_PERCENT.findall(message)), Counter(_PERCENT.findall(translation))
        )
    if kind == "template":
        found += _compare(*(Counter(_TAG.findall(text)) for text in (message, translation)))
    if kind in ("string", "f-string", "template"):
        found += _compare(_maths(message), _maths(translation))
        for where, of in (("beginning", r"\A\s*"), ("end", r"\s*\Z")):
            if re.search(of, message)[0] != re.search(of, translation)[0]:
                found.append(f"other spaces or line breaks at the {where}")
    return found


def _compare(old: Counter, new: Counter) -> list[str]:
    return [f"lost: {item}" for item in old - new] + [
        f"not in the source: {item}" for item in new - old
    ]


def _without_roles_and_code(text: str) -> str:
    return _CODE.sub(" ", _ROLE.sub(" ", text))


def _code(text: str) -> Counter:
    spans = [m[2].strip() for m in _CODE.finditer(_ROLE.sub(" ", text))]
    # Code with a space may hold words ("# your code"); a name may not change.
    return Counter(f"`{span}`" if " " not in span else "`… …`" for span in spans)


def _roles(text: str) -> Counter:
    def target(content: str) -> str:
        match = re.search(r"<([^<>]*)>\s*\Z", content)
        return f"…<{match[1]}>" if match else content

    return Counter(f"{{{m[1]}}}`{target(m[3])}`" for m in _ROLE.finditer(text))


def _maths(text: str) -> Counter:
    """Maths, compared without what languages write differently: decimal commas, \\text, spaces."""

    def normal(maths: str) -> str:
        maths = re.sub(r"\\(text|mathrm|textrm)\{[^{}]*\}", r"\\\1{}", maths)
        maths = maths.replace("{,}", ".").replace(";", ",")
        return re.sub(r"\\[,;:! ]|[\s~]", "", maths)

    bare = _without_roles_and_code(text)
    return Counter(f"{m[1]}{normal(m[2])}{m[1]}" for m in _MATHS.finditer(bare))


def _links(text: str) -> Counter:
    """Links: the same pages of ours, perhaps in the other language; of other sites as many."""
    bare = _without_roles_and_code(text)
    targets = [re.sub(r"/[a-z]{2}/", "/…/", t) for t in _LINK.findall(bare)]
    targets += _AUTOLINK.findall(bare)
    return Counter("https://…" if re.match(r"https?://", t) else f"({t})" for t in targets)


def _counter(expression: re.Pattern) -> Callable[[str], Counter]:
    def find(text: str) -> Counter:
        return Counter(m[0] for m in expression.finditer(_without_roles_and_code(text)))

    return find


_PARTS = (
    _maths,
    _code,
    _roles,
    _links,
    _counter(_TAG),
    _counter(_FOOTNOTE),
    _counter(_CITATION),
)

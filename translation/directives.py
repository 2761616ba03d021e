"""MyST directives: which have a title, a body of prose, options for readers; which are verbatim."""

import re
from dataclasses import dataclass

import yaml
from markdown_it.token import Token

# The text after the name is for readers.
TITLED = frozenset(
    "admonition attention caution danger error hint important note seealso tip warning "
    "dropdown details exercise exercise-start card tab-item sidebar topic margin aside table "
    "list-table csv-table code-table rubric".split()
)
# What is inside is not prose.
VERBATIM = frozenset(
    "code code-block sourcecode code-cell math raw mermaid toctree tableofcontents include "
    "literalinclude bibliography eval-rst embed image anywidget typst latex tex html "
    "csv-table index contents graphviz diagram myst div:raw".split()
)
TEXT_OPTIONS = frozenset("alt caption title subtitle summary header footer attribution".split())
_INFO = re.compile(r"\{([^}\s]+)\}[ \t]*(.*)\Z", re.DOTALL)
_OPTION = re.compile(r"[ \t]*:([A-Za-z][\w-]*):(?:[ \t]+(.*?))?[ \t\r]*\Z")
_YAML_OPTION = re.compile(r"([A-Za-z][\w-]*):[ \t]+(.*?)[ \t\r]*\Z")


@dataclass(frozen=True)
class Directive:
    """One directive: name, argument, options and the line of the content where the body starts."""

    name: str
    argument: str
    options: tuple[tuple[int, str, str], ...]  # (line of the content, key, value as written)
    body_starts: int
    tags: frozenset[str]

    @property
    def title(self) -> str:
        """The argument when it is for readers, else empty."""
        titled = self.name in TITLED or self.name.startswith(("prf:", "proof:"))
        return self.argument if titled else ""

    @property
    def kept_argument(self) -> str:
        """The argument when it is not for readers (a path, a label), else whether there is one."""
        return str(bool(self.title)) if self.title else self.argument

    @property
    def text_options(self) -> list[tuple[int, str, str]]:
        """The options for readers."""
        return [option for option in self.options if option[1] in TEXT_OPTIONS and option[2]]

    @property
    def kept_options(self) -> list[tuple[str, str]]:
        """All options, without the text of those for readers."""
        return [(key, "" if key in TEXT_OPTIONS else value) for _, key, value in self.options]

    @property
    def is_code_cell(self) -> bool:
        """Whether it is a code cell in Python."""
        language = self.argument.lower()
        return self.name == "code-cell" and (not language or language.startswith(("py", "ipy")))

    @property
    def has_prose(self) -> bool:
        """Whether the body is Markdown."""
        return self.name not in VERBATIM


def parse(token: Token) -> Directive | None:
    """Return the directive that a fence is; None for plain code (``` without a name in braces).

    A `:::` block without a name is a plain container of prose.
    """
    match = _INFO.match(token.info.strip())
    if not match:
        if token.type == "fence":
            return None
        return Directive(token.info.strip(), "", (), 0, frozenset())
    rows = token.content.split("\n")
    options: list[tuple[int, str, str]] = []
    body = 0
    block: list[str] = []
    if rows[0].strip() == "---" and "---" in (row.strip() for row in rows[1:]):
        body = next(n for n, row in enumerate(rows) if n and row.strip() == "---") + 1
        block = rows[1 : body - 1]
        for number, row in enumerate(block, start=1):
            if option := _YAML_OPTION.match(row):
                options.append((number, option[1], option[2]))
    else:
        while body < len(rows) and (option := _OPTION.match(rows[body])):
            options.append((body, option[1], option[2] or ""))
            block.append(f"{option[1]}: {option[2] or ''}")
            body += 1
    return Directive(match[1], match[2].strip(), tuple(options), body, _tags(block))


def _tags(block: list[str]) -> frozenset[str]:
    try:
        tags = (yaml.safe_load("\n".join(block)) or {}).get("tags") or []
    except (yaml.YAMLError, ValueError, AttributeError):
        # Another option is no YAML; the tags' own line may still be.
        line = next((row for row in block if row.startswith("tags:")), "")
        return frozenset(re.findall(r"[\w-]+", line.partition(":")[2]))
    return frozenset([tags] if isinstance(tags, str) else map(str, tags))

"""MyST Markdown as plain Markdown, for the notebook that a reader takes along.

JupyterLab shows MyST's targets and directives as they are written. What they mean is said there in
Markdown that every viewer of notebooks knows: a box becomes a quotation, a hint that opens a
`<details>`, a target an anchor, a figure its caption.
"""

from markdown_it.token import Token

from translation import directives
from translation.markdown import blocks


def plain(text: str) -> str:
    """Return a Markdown cell without MyST's own blocks; the rest of it stays as it is."""
    lines, done, parts = text.split("\n"), 0, []
    for token in blocks(text):
        written = _written(token) if not token.level and token.map else None
        if written is None:
            continue
        start, end = token.map
        parts += [*lines[done:start], *written.split("\n")]
        done = end
    return "\n".join([*parts, *lines[done:]])


def _written(token: Token) -> str | None:
    """Return what stands for a block of MyST's; None for one of Markdown's."""
    if token.type == "myst_target":
        return f'<a id="{token.content}"></a>\n'
    if token.type not in ("fence", "colon_fence"):
        return None
    directive = directives.parse(token)
    if directive is None or not directive.has_prose:
        return None
    body = plain("\n".join(token.content.split("\n")[directive.body_starts :]).strip("\n"))
    if not directive.title:
        return body
    classes = " ".join(value for _, key, value in directive.options if key == "class").split()
    if "dropdown" in classes or directive.name in ("dropdown", "details"):
        return f"<details><summary>{directive.title}</summary>\n\n{body}\n\n</details>"
    quoted = f"**{directive.title}**\n\n{body}".split("\n")
    return "\n".join(f"> {line}".rstrip() for line in quoted)

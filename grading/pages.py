"""The pages that show what students wrote, in formgrader and as feedback: nothing of it runs there.

A notebook's Markdown and outputs may hold any HTML; shown as it is, a submission could act in its
instructor's browser as its instructor. nbgrader shows it as it is, and nbconvert's own sanitizer
knows neither paragraphs nor pictures. Formulas become MathML, which every browser draws by itself:
MathJax would be loaded from a foreign server, which then knows who reads what, or is not there.
"""

import re
from copy import deepcopy
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import nh3
from jinja2 import pass_context
from jinja2.runtime import Context
from latex2mathml.converter import convert_to_element
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from traitlets import default

WITHOUT_MATHJAX = Path(__file__).parent / "templates" / "no_mathjax"

_MATHML = (
    "math menclose merror mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot "
    "mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover none"
).split()
_MATHML_ATTRIBUTES = set(
    "accent accentunder columnalign columnlines columnspan columnspacing depth display "
    "displaystyle fence form height largeop linethickness lspace mathsize mathvariant maxsize "
    "minsize movablelimits notation rowlines rowspacing rowspan rspace scriptlevel separator "
    "stretchy symmetric width".split()
)
_TAGS = nh3.ALLOWED_TAGS | set(_MATHML)
_ATTRIBUTES = deepcopy(nh3.ALLOWED_ATTRIBUTES)
_ATTRIBUTES |= {tag: _MATHML_ATTRIBUTES for tag in _MATHML}
_ATTRIBUTES |= {tag: {"class"} for tag in ("div", "span", "pre", "code")} | {
    "table": _ATTRIBUTES["table"] | {"class"}
}
# What pygments and pandas write; others could be formgrader's own.
_CLASSES = re.compile(r"(highlight|dataframe|[a-z][a-z0-9]{0,2})(\s+[a-z][a-z0-9]{0,2})*")
_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*")


class SafePage(HTMLExporter):
    """nbconvert's HTMLExporter for the notebooks of people who are not trusted; formgrader's."""

    @default("sanitize_html")
    def _sanitize_html_default(self):
        return True

    @default("template_paths")
    def _template_paths(self, prune=True, root_dirs=None):
        return [str(WITHOUT_MATHJAX), *super()._template_paths(prune, root_dirs)]

    def default_filters(self):
        """Yield the names and functions of the filters, ours last."""
        yield from super().default_filters()
        yield "markdown2html", markdown2html
        yield "clean_html", clean_html


class FeedbackExporter(SafePage):
    """The page that a student gets back: nbgrader's, with its words in the student's language.

    c.GenerateFeedback.exporter_class = "grading.pages.FeedbackExporter"
    """


class MathRenderer(IPythonRenderer):
    """nbconvert's renderer of Markdown, which writes MathML; what it cannot read stays TeX."""

    def inline_math(self, body: str) -> str:
        """Return a formula in a line."""
        return _mathml(body) or super().inline_math(body)

    def block_math(self, body: str) -> str:
        """Return a formula that stands alone."""
        return _mathml(body, display="block") or super().block_math(body)

    def latex_environment(self, name: str, body: str) -> str:
        r"""Return what stands between \begin and \end."""
        whole = f"\\begin{{{name}}}{body}\\end{{{name}}}"
        return _mathml(whole, display="block") or super().latex_environment(name, body)


@pass_context
def markdown2html(context: Context, source: str) -> str:
    """Return Markdown as HTML that does nothing."""
    renderer = MathRenderer(
        escape=False,
        attachments=context.get("cell", {}).get("attachments", {}),
        exclude_anchor_links=True,
    )
    return clean_html(MarkdownWithMath(renderer=renderer).render(source))


def clean_html(html: str | bytes) -> str:
    """Return HTML without scripts, forms, styles, identifiers, and links that run."""
    text = html.decode() if isinstance(html, bytes) else str(html)
    return nh3.clean(
        text,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_kept,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="noopener noreferrer",
    )


def _kept(tag: str, attribute: str, value: str) -> str | None:
    """Return an attribute's value, None to leave it out.

    Pictures are in the page: one from elsewhere would tell its server who looks.
    """
    if attribute == "class":
        return value if _CLASSES.fullmatch(value) else None
    if (tag, attribute) == ("img", "src"):
        return value if _PICTURE.fullmatch(value) else None
    if attribute in ("href", "cite") and value.strip().lower().startswith("data:"):
        return None
    return value


def _mathml(tex: str, display: str = "inline") -> str:
    """Return a formula as MathML; "" where it is not understood."""
    try:
        element = convert_to_element(unescape(tex), display=display)
        for each in element.iter():  # it gives characters by number, for a text to be unescaped
            each.text, each.tail = unescape(each.text or ""), unescape(each.tail or "")
        return ElementTree.tostring(element, encoding="unicode")
    except Exception:  # a student wrote it: any of the library's errors
        return ""

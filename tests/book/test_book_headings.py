"""Headings get the same labels in all languages."""

from book.headings import label_headings

SPANISH = """## Qué es

```py
## no es un título
```

(propia)=
## Con etiqueta

::::{note}
:::{tip}
## dentro
:::
::::

### Qué es
"""


def test_labels_come_from_the_spanish_heading_and_are_unique():
    english = SPANISH.replace("Qué es", "What it is").replace("Con etiqueta", "Labelled")
    text = label_headings(english, SPANISH, "olas")
    assert text.startswith("(olas-que-es)=\n## What it is\n")
    assert text.endswith("\n(olas-que-es-1)=\n### What it is\n")
    assert text.count(")=") == 3  # the two new ones, and the author's own
    assert label_headings(text, text, "olas") == text

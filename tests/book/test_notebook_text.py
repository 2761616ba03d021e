"""What a reader's notebook says in place of MyST's own blocks."""

import pytest

from book.notebook_text import plain

HINT = """:::{admonition} Pistas
:class: dropdown hint

1. Mira la cola.

   ```python
   (esto)=1
   ```
:::"""
BOX = """Antes.

:::{admonition} En el *supercomputador*
:class: tip

Uno.

- dos
:::

Después."""


@pytest.mark.parametrize(
    ("myst", "expected"),
    [
        ("(cola-slurm)=\n## La cola", '<a id="cola-slurm"></a>\n\n## La cola'),
        (
            "Texto ([2023](#fuentes)) y $x$.\n\n- uno\n",
            "Texto ([2023](#fuentes)) y $x$.\n\n- uno\n",
        ),
        ("```python\n(no-es)=\n:::{note}\n```", "```python\n(no-es)=\n:::{note}\n```"),
        (":::{figure} #fig-cola\nLa cola, *un martes*.\n:::", "La cola, *un martes*."),
        (
            BOX,
            "Antes.\n\n> **En el *supercomputador***\n>\n> Uno.\n>\n> - dos\n\nDespués.",
        ),
        (
            HINT,
            "<details><summary>Pistas</summary>\n\n1. Mira la cola.\n\n   ```python\n   (esto)=1\n"
            "   ```\n\n</details>",
        ),
    ],
)
def test_plain(myst, expected):
    assert plain(myst) == expected
    assert plain(expected) == expected

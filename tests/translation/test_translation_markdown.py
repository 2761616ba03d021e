"""Pages and Markdown cells: what is a message, what stays, and that nothing else changes."""

from itertools import pairwise
from pathlib import Path
from textwrap import dedent

import polib
import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from translation import markdown
from translation.segments import TranslationError

REPOSITORY = Path(__file__).parents[2]

PAGE = dedent("""\
    ---
    title: Olas
    description: "Una página: de prueba"
    kernelspec:
      display_name: Este nombre queda
    ---

    % un comentario del autor

    (olas-inicio)=
    # El mar

    Un párrafo con **negrita**, $x^2$,
    {ref}`olas-inicio` y un [enlace](otra.md#parte).

    $$
    E = mc^2
    $$

    > Una cita
    > de dos líneas

    - Un punto
      que sigue
      1. Anidado
    - [ ] Pendiente

    | Línea | Qué pide |
    |---|:-:|
    | `--mem` | Memoria \\| tiempo |
    | 1 | fin |

    Término
    : Definición larga

    [^nota]: Texto de la nota.

    Título con subrayado
    ====================

    :::{admonition} Un título
    :class: tip
    Cuerpo del aviso.

    ::::{note}
    Nota anidada.
    ::::
    :::

    ````{exercise} Suma
    :label: suma

    Suma dos números.

    ```{code-block} python
    :caption: Leyenda del código
    x = 1  # esto queda
    ```
    ````

    ```{figure} imagenes/ola.png
    :name: fig-ola
    :alt: Una ola en la costa
    :width: 80%

    Leyenda de la figura.
    ```

    ```python
    print("queda")
    ```

    ![Texto alternativo](ola.png)

    <!-- comentario HTML -->

    <div class="aviso">Bloque de HTML</div>

    ```{code-cell} ipython3
    :tags: [translate, hide-input]

    print("Se ve")  # un comentario
    ```

    ```{code-cell} ipython3
    print("sin etiqueta, queda")
    ```
    """)

MESSAGES = [
    "Olas",
    "Una página: de prueba",
    "El mar",
    "Un párrafo con **negrita**, $x^2$, {ref}`olas-inicio` y un [enlace](otra.md#parte).",
    "Una cita de dos líneas",
    "Un punto que sigue",
    "Anidado",
    "[ ] Pendiente",
    "Línea",
    "Qué pide",
    "Memoria | tiempo",
    "fin",
    "Término",
    "Definición larga",
    "Texto de la nota.",
    "Título con subrayado",
    "Un título",
    "Cuerpo del aviso.",
    "Nota anidada.",
    "Suma",
    "Suma dos números.",
    "Leyenda del código",
    "Una ola en la costa",
    "Leyenda de la figura.",
    "![Texto alternativo](ola.png)",
    '<div class="aviso">Bloque de HTML</div>',
    "Se ve",
    "un comentario",
]


def messages(text: str) -> list[str]:
    return [segment.msgid for segment in markdown.segments(text)]


def test_every_kind_of_text_is_a_message_and_nothing_else():
    assert messages(PAGE) == MESSAGES


def test_without_translations_the_page_is_the_same():
    assert markdown.translate(PAGE, polib.POFile()) == PAGE


def test_each_message_is_put_back_in_its_place():
    result = markdown.translate(PAGE, {"Memoria | tiempo": "Memory | time", "Olas": "Waves: big"})
    assert "| `--mem` | Memory \\| time |" in result
    assert 'title: "Waves: big"' in result
    again = result.replace("Memory \\| time", "Memoria \\| tiempo")
    assert again.replace('"Waves: big"', "Olas") == PAGE


def test_all_messages_at_once_change_only_words():
    words = {m: m.replace("a", "á").replace("e", "é") for m in MESSAGES if not m.startswith("<")}
    for fixed in ("{ref}`olas-inicio`", "otra.md#parte", "ola.png"):
        changed = fixed.replace("a", "á").replace("e", "é")
        words = {m: t.replace(changed, fixed) for m, t in words.items()}
    result = markdown.translate(PAGE, words)
    assert messages(result) == [words.get(m, m) for m in MESSAGES]
    for kept in ("E = mc^2", ":label: suma", "Este nombre queda", "# esto queda", "(olas-inicio)="):
        assert kept in result


def test_wrapping_a_paragraph_anew_does_not_make_it_stale():
    assert messages("uno dos\ntres cuatro\n") == messages("uno\n  dos tres\ncuatro\n")


def test_line_and_headings_say_where():
    segment = next(s for s in markdown.segments(PAGE) if s.msgid == "Anidado")
    assert PAGE.splitlines()[segment.line - 1].strip() == "1. Anidado"
    assert segment.headings == ("El mar",)


def test_a_hard_line_break_stays_where_it_is():
    text = "- uno dos  \n  tres\n"
    assert messages(text) == ["uno dos\\\ntres"]
    assert markdown.translate(text, {"uno dos\\\ntres": "one\\\ntwo"}) == "- one\\\n  two\n"


def test_two_rules_around_prose_are_no_front_matter():
    assert messages("---\nTexto entre reglas\n\n---\n") == ["Texto entre reglas"]


@pytest.mark.parametrize(
    "text",
    [
        "$$\nx\n$$\n",
        "`código`\n",
        "(x)=\n",
        "{ref}`x`\n",
        "$a$ y $b$: 3\n".replace(" y ", " "),
        "https://minga.example/palabras\n",
        "```{math}\nx\n```\n",
        "<!-- palabras -->\n",
        "```{toctree}\npalabra\n```\n",
        "% palabras\n",
    ],
)
def test_what_has_no_words_is_no_message(text):
    assert messages(text) == []


@pytest.mark.parametrize(
    "bad", ["# un título", "1. una lista\n\nmás", "```\ncódigo", "- lista", "(etiqueta)="]
)
def test_a_translation_that_makes_another_block_is_refused_with_its_place(bad):
    with pytest.raises(TranslationError, match=r"line 3: the translation of «Un texto»"):
        markdown.translate("Otro texto\n\nUn texto\n\nY más\n", {"Un texto": bad})


def test_a_title_stays_on_its_line():
    text = ":::{admonition} Un título\nCuerpo aquí.\n:::\n"
    assert markdown.translate(text, {"Un título": "A\ntitle"}) == text.replace(
        "Un título", "A title"
    )


@pytest.mark.parametrize(
    "value", ["a: b", "# no", "- x", "yes", "2020-01-01", "'q'", "{x}", "a\nb"]
)
def test_front_matter_stays_yaml_whatever_the_words(value):
    text = (
        "---\ntitle: Un título\nsubtitle: >-\n  Dos\n  líneas\nfecha: 2020-99-99\n---\n\nHola ahí\n"
    )
    words = {"Un título": value, "Dos líneas": value}
    assert messages(markdown.translate(text, words))[-1] == "Hola ahí"
    front = yaml.safe_load(markdown.translate(text, words).split("---")[1].replace("-99", "-09"))
    assert (front["title"], front["subtitle"]) == (value, value)


def test_a_translation_cannot_smuggle_a_key_into_front_matter():
    text = "---\ntitle: Un título\n---\n"
    result = markdown.translate(text, {"Un título": "x\nkernelspec: {name: evil}"})
    assert list(yaml.safe_load(result.split("---")[1])) == ["title"]


def test_missing_and_fuzzy_fall_back_to_the_source():
    catalog = polib.POFile()
    catalog.append(polib.POEntry(msgid="Uno aquí", msgstr="One here", flags=["fuzzy"]))
    catalog.append(polib.POEntry(msgid="Dos aquí", msgstr=""))
    catalog.append(polib.POEntry(msgid="Tres aquí", msgstr="Three here"))
    text = "Uno aquí\n\nDos aquí\n\nTres aquí\n"
    assert markdown.translate(text, catalog) == "Uno aquí\n\nDos aquí\n\nThree here\n"


def test_windows_line_ends_stay():
    text = "# Título uno\r\n\r\nTexto que\r\nsigue.\r\n\r\n- punto uno\r\n"
    assert messages(text) == ["Título uno", "Texto que sigue.", "punto uno"]
    assert markdown.translate(text, {"Título uno": "Title"}) == text.replace("Título uno", "Title")


@pytest.mark.parametrize(
    "path",
    [p for p in REPOSITORY.rglob("*.md") if not {"node_modules", ".venv"} & set(p.parts)],
    ids=lambda path: path.relative_to(REPOSITORY).as_posix(),
)
def test_every_page_of_the_repository_comes_back_byte_for_byte(path):
    text = path.read_bytes().decode()
    assert markdown.translate(text, {}) == text
    found = markdown.segments(text)
    for before, after in pairwise(found):
        assert before.end <= after.start
    for segment in found:
        if segment.kind == "text" and "\n" not in text[segment.start : segment.end]:
            assert text[segment.start : segment.end].replace("\\|", "|") == segment.msgid


WORD = st.sampled_from("olas mar ¿cuánto? *fuerte* `x` $y$ {ref}`a` 3 - | : ::: \\ [^1] #".split())
SENTENCE = st.lists(WORD, min_size=1, max_size=8).map(" ".join)
LEAF = st.one_of(
    SENTENCE,
    SENTENCE.map(lambda s: f"## {s}"),
    st.tuples(SENTENCE, SENTENCE).map("\n".join),
    st.tuples(SENTENCE, SENTENCE).map("  \n".join),
    st.tuples(SENTENCE, SENTENCE).map(lambda s: f"| {s[0]} | b |\n|---|---|\n| {s[1]} | fin |"),
    SENTENCE.map(lambda s: f"Término\n: {s}"),
    SENTENCE.map(lambda s: f"$$\n{s}\n$$"),
    SENTENCE.map(lambda s: f"```{{code-cell}}\n:tags: [translate]\nprint('''{s}''')\n```"),
    SENTENCE.map(lambda s: f"(etiqueta)=\n# {s}"),
    st.just("---\ntitle: uno\n---"),
    st.just("+++"),
)


def _nest(inner):
    def indent(text, first, rest):
        return first + text.replace("\n", "\n" + rest)

    return st.one_of(
        inner.map(lambda t: indent(t, "- ", "  ")),
        inner.map(lambda t: indent(t, "> ", "> ")),
        inner.map(lambda t: indent(t, "12. ", "    ")),
        st.tuples(SENTENCE, inner).map(lambda t: f"::::::{{note}} {t[0]}\n{t[1]}\n::::::"),
        inner.map(lambda t: f"``````{{figure}} a.png\n:alt: texto\n\n{t}\n``````"),
        st.lists(inner, min_size=1, max_size=3).map("\n\n".join),
        st.lists(inner, min_size=1, max_size=3).map("\n".join),
    )


DOCUMENTS = st.recursive(LEAF, _nest, max_leaves=10)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(DOCUMENTS, st.sampled_from(["\n", "\r\n"]))
def test_generated_pages_come_back_byte_for_byte(text, newline):
    text = text.replace("\n", newline)
    assert markdown.translate(text, {"nada": "nothing"}) == text
    # Each message's slice says the same as the message.
    for segment in markdown.segments(text):
        words = set(segment.msgid.split()) - {"\\", "|", ">", "-"}
        assert all(word.rstrip("\\") in text[segment.start : segment.end] for word in words)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(alphabet="ab é\n\r\t `~:{}[]()|>-#$%\\*_<!=.1\x0b\x0c\u2028\0\"'", max_size=80))
def test_any_text_comes_back_byte_for_byte(text):
    assert markdown.translate(text, {"nada": "nothing"}) == text
    words = {s.msgid: s.msgid for s in markdown.segments(text)}
    assert markdown.translate(text, words) == text


@settings(max_examples=200, deadline=None, derandomize=True)
@given(DOCUMENTS)
def test_words_put_in_are_the_words_found_again(text):
    # A line of nothing but a backslash is a break that cannot be written back in one piece.
    assume("\\" not in text)
    words = {s.msgid: s.msgid.replace("olas", "waves") for s in markdown.segments(text)}
    result = markdown.translate(text, words)
    expected = [words[s.msgid] for s in markdown.segments(text)]
    assert messages(result) == expected

"""Code for readers: which strings count, f-strings, and that the program stays the same."""

import ast
import re
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translation import code, literals
from translation.segments import TranslationError


def messages(source: str) -> list[str]:
    return [segment.msgid for segment in code.segments(source)]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("x = 1  # un comentario", ["un comentario"]),
        ("# uno que sigue\n# en otra línea\nx = 1", ["uno que sigue en otra línea"]),
        ("# - uno aquí\n# - dos aquí", ["- uno aquí", "- dos aquí"]),
        ("# uno aquí\n#\n# dos aquí", ["uno aquí", "dos aquí"]),
        ("# noqa: S101\n# type: ignore\n### BEGIN SOLUTION\nx = 1  # (3, n) km/h", []),
        ('"""Del cuaderno."""', ["Del cuaderno."]),
        ('def f():\n    """Hace algo."""', ["Hace algo."]),
        ("class A:\n    '''Una clase.'''", ["Una clase."]),
        ("assert x == 1, 'debe ser uno'", ["debe ser uno"]),
        ("assert x == 'no tocar'", []),
        ("raise ValueError('algo anda mal')", ["algo anda mal"]),
        ("print('uno dos', datos['clave'], sep=', ')", ["uno dos"]),
        ("print('hola' if x else 'chao')", ["hola", "chao"]),
        ("print('hola {}'.format('no tocar'))", ["hola {}"]),
        ("print('hola %s' % 'no tocar')", ["hola %s"]),
        ("ax.plot(x, 'o--', label='medido', marker='cuadrado')", ["medido"]),
        ("ax.set(title='Título uno', xlabel='t (s)', xscale='log')", ["Título uno"]),
        ("ax.legend(['ideal', 'medido'], loc='upper left')", ["ideal", "medido"]),
        ("ax.text(1, 2, 'un texto', ha='right')", ["un texto"]),
        ("plt.ylabel('tiempo')", ["tiempo"]),
        ("widgets.Button(description='Enviar', button_style='info')", ["Enviar"]),
        ("widgets.HTML(value='<b>Listo</b>')", ["<b>Listo</b>"]),
        ("np.testing.assert_allclose(x, y, err_msg='no es igual')", ["no es igual"]),
        ("nombres = ['sol', 'luna']  # i18n", ["sol", "luna"]),
        ("nombres = ['sol', 'luna']", []),
        ("print(b'bytes aquí')", []),
        ("print(f'{x:.2f} {y}')", []),
        ("f = open('archivo.txt', mode='lectura')", []),
        ("%matplotlib inline\n!ls carpeta  # queda\nprint('sigue')", ["sigue"]),
        ("archivos = !ls\nprint?\nprint('sigue')", ["sigue"]),
        ("%%time\nprint('sigue')", ["sigue"]),
        ("%%bash\necho 'queda'  # queda", []),
        ("esto no es Python", []),
    ],
)
def test_which_texts_are_for_readers(source, found):
    assert messages(source) == found
    assert code.translate(source, {"nada": "nothing"}) == source


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("print(f'{x:>8.2f} metros')", "{x:>8.2f} metros"),
        ('print(f"un {d["clave"]} y {{llaves}}")', "un {d["),
        ("print(f\"un {d['a b']!r:{ancho}} fin\")", "un {d['a b']!r:{ancho}} fin"),
        ("print(rf'$\\alpha$ es {x} grados')", "$\\alpha$ es {x} grados"),
        ("print(f'línea\\n{x} \\'así\\'')", "línea\n{x} 'así'"),
        ("print(f'''uno\n{x} dos''')", "uno\n{x} dos"),
        ("print('Mide {} y ' f'{x:d} metros')", "Mide {{}} y {x:d} metros"),
        ("print(f'{ {1: 2}[1] } unidades')", "{ {1: 2}[1] } unidades"),
        ("print(f'{x=} unidades')", "{x=} unidades"),
    ],
)
def test_an_f_string_is_one_message_with_its_placeholders(source, message):
    try:
        ast.parse(source)
    except SyntaxError:
        pytest.skip("this Python has no such f-string")
    assert messages(source) == [message] or messages(source)[0].startswith("un {d[")
    found = messages(source)[0]
    result = code.translate(source, {found: "¡Ay! " + found})
    value = ast.unparse(ast.parse(result)).replace("¡Ay! ", "", 1)
    assert ast.dump(ast.parse(value)) == ast.dump(ast.parse(source))


def test_placeholders_may_change_their_order():
    source = "print(f'{a} de {b} casos')"
    assert code.translate(source, {"{a} de {b} casos": "of {b} cases, {a}"}) == (
        "print(f'of {b} cases, {a}')"
    )


@pytest.mark.parametrize(
    ("translation", "reason"),
    [
        ("of {b} cases", r"the placeholders must be the same, \{a\} is lost"),
        ("{a} of {b} {c} cases", "the placeholders must be the same"),
        ("{a:.1f} of {b} cases", "the placeholders must be the same"),
        ("{a} of {b cases", "a '{' without '}'"),
        ("{a} of b} cases", "a '}' without '{'"),
        ("{a} of {__import__('os').system('id')} {b}", "the placeholders must be the same"),
    ],
)
def test_a_translation_with_other_placeholders_is_refused(translation, reason):
    source = "x = 1\nprint(f'{a} de {b} casos')"
    with pytest.raises(TranslationError, match=f"line 2: .*{reason}"):
        code.translate(source, {"{a} de {b} casos": translation})


@pytest.mark.parametrize("words", ["it's", 'say "no"', "back\\slash", "two\nlines", "'''", '"""'])
@pytest.mark.parametrize(
    "source",
    [
        "print('un texto')",
        'print("un texto")',
        "print('''un texto''')",
        "print(r'un texto')",
        "print(f'un texto{x}')",
        "print(rf'un texto{x}')",
        "def f():\n    'un texto'",
    ],
)
def test_quotes_and_backslashes_of_a_translation_are_escaped(source, words):
    message = messages(source)[0]
    new = message.replace("un texto", words)
    result = code.translate(source, {message: new})
    assert not code.difference(source, result)
    if "print" in source and "{" not in message:
        assert ast.parse(result).body[0].value.args[0].value == words


def test_a_comment_cannot_become_code():
    result = code.translate(
        "x = 1  # nota aquí\n# otra nota",
        {
            "nota aquí": "note\nimport os",
            "otra nota": "another\nimport os",
        },
    )
    assert [n for n in ast.walk(ast.parse(result)) if isinstance(n, ast.Import)] == []
    assert result == "x = 1  # note import os\n# another import os"


def test_long_comments_are_wrapped_with_their_mark():
    long = "palabra " * 20 + "fin"
    result = code.translate("def f():\n    # una nota\n    pass", {"una nota": long})
    lines = result.splitlines()
    assert len(lines) == 4
    assert all(line.startswith("    # palabra") and len(line) < 100 for line in lines[1:3])


def test_a_docstring_is_translated_by_paragraph_and_its_example_stays():
    source = dedent('''\
        def f(x):
            """Suma uno.

            Un párrafo que ocupa
            dos líneas.

            >>> f(1)  # ejemplo
            2

            Args:
                x: el número
                y: otro número
            """
        ''')
    assert messages(source) == [
        "Suma uno.",
        "Un párrafo que ocupa dos líneas.",
        "Args:",
        "x: el número",
        "y: otro número",
    ]
    result = code.translate(
        source, {"Un párrafo que ocupa dos líneas.": "One line.", "x: el número": "x: the number"}
    )
    expected = source.replace("Un párrafo que ocupa\n    dos líneas.", "One line.")
    assert result == expected.replace("x: el número", "x: the number")


def test_a_text_over_several_lines_is_one_message_and_stays_over_several_lines():
    source = "print(\n    f'Mide {a} '\n    'y {b} metros'\n)"
    (message,) = messages(source)
    assert message == "Mide {a} y {{b}} metros"
    new = "It measures {a} and {{b}} metres, " + "or so " * 20 + "more"
    result = code.translate(source, {message: new})
    assert max(map(len, result.splitlines())) <= 100
    said = eval(
        compile(ast.Expression(ast.parse(result).body[0].value.args[0]), "", "eval"), {"a": 3}
    )
    assert said == new.replace("{a}", "3").replace("{{", "{").replace("}}", "}")


def test_code_that_is_tagged_but_not_python_is_named():
    with pytest.raises(TranslationError, match="line 2: not Python"):
        code.segments("x = 1\ny ==== 2", strict=True)


def test_a_change_of_code_is_seen():
    assert code.difference("print('a b')", "print('c d')") is None
    for other in ("print('a b', 1)", "print(x)", "input('a b')", "print(f'{x}')", "print('a"):
        assert code.difference("print('a b')", other)


def test_the_readme_names_all_that_counts_as_shown():
    readme = (Path(code.__file__).parent / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)=?`", readme))
    assert named >= code.SHOWING_CALLS | code.SHOWN_KEYWORDS


PIECE = st.sampled_from(
    [
        "{x}",
        "{x!r:>{w}}",
        "{{",
        "}}",
        "ola ",
        "mar's",
        ' "dos" ',
        "\\n",
        "\\\\",
        "ñ",
        "{d['k']}",
        "\\N{BULLET}",
    ]
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.lists(PIECE, min_size=1, max_size=6).map("".join),
    st.sampled_from(["'", '"', "'''", '"""']),
    st.sampled_from(["f", "rf", "", "r"]),
)
def test_any_literal_is_written_back_with_the_same_meaning(body, quote, prefix):
    source = f"{prefix}{quote}{body}{quote}"
    try:
        tree = ast.parse(source, mode="eval")
    except SyntaxError:
        return
    parts = literals.split(source)
    try:
        message, formatted = literals.message(parts)
    except TranslationError:
        assert "f" in prefix  # \\N{…} in a raw f-string is a placeholder of no name
        return
    written = literals.write(message, parts, formatted, 0)
    assert ast.dump(ast.parse(written, mode="eval")) == ast.dump(tree)

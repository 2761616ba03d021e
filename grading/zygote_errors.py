"""What IPython works out anew for every error that it shows, worked out before the fork.

Most of an error's 70 ms (200 ms for a kernel's first) are for finding and colouring the source of
libraries, which is the same in every run. A test run shows an error for each wrong answer, and the
controls of `integrity.py` for each right one. What is shown is the same to the letter. Runs inside.
"""

import functools
import inspect
import os
import sys
import tempfile

# What tests fail in: the libraries' own frames, which are shown with each of their errors.
_FAILING = {
    "numpy": (
        "import numpy; numpy.testing.assert_allclose(numpy.ones(2), [1.0, 2.0])",
        "import numpy; numpy.testing.assert_allclose(1.0, 2.0)",
        "import numpy; numpy.testing.assert_array_equal(numpy.ones(2), [1.0, 2.0])",
        "import numpy; numpy.testing.assert_almost_equal(1.0, 2.0)",
        "import numpy; numpy.testing.assert_equal(1, 2)",
    ),
    "torch": (
        "import torch; torch.testing.assert_close(torch.ones(2), torch.zeros(2))",
        "import torch; torch.testing.assert_close(1.0, 2.0)",
    ),
    "unittest": ("import unittest; unittest.TestCase().assertEqual(1, 2)",),
}
_OF_EVERY_RUN = ("assert 1 == 2", "undefined", "[][1]", "raise ValueError('no')")


def make_ready() -> None:
    """Show one of each error that tests show, for nobody."""
    _remember()
    # As IPython's shell makes it; there is none before the fork.
    from ipykernel.zmqshell import ZMQInteractiveShell
    from IPython.core.ultratb import AutoFormattedTB

    traits = ZMQInteractiveShell.class_traits()
    shown = AutoFormattedTB(
        mode=traits["xmode"].default_value, theme_name=traits["colors"].default_value, tb_offset=1
    )
    failing = [code for name, codes in _FAILING.items() if name in sys.modules for code in codes]
    for source in (*_OF_EVERY_RUN, *failing):
        try:
            exec(compile(source, "<cell>", "exec"), {})  # noqa: S102 (written above)
        except Exception:
            shown.structured_traceback(*sys.exc_info())


def _remember() -> None:
    """Have once what IPython asks for each frame, each style and each piece of source."""
    inspect.getmodule = _getmodule(inspect.getmodule)
    _remember_colours()


def _getmodule(ask):
    """Return `inspect.getmodule`, which need not go through all modules for a cell's code.

    It did so several times for each error, and found none.
    """
    cells = os.path.join(tempfile.gettempdir(), "ipykernel_")  # as ipykernel.compiler names them

    @functools.wraps(ask)
    def getmodule(object, _filename=None):
        code = object.f_code if inspect.isframe(object) else object
        if inspect.iscode(code) and code.co_filename.startswith(cells):
            return None
        return ask(object, _filename)

    return getmodule


def _remember_colours() -> None:
    import pygments
    import stack_data.core
    from pygments.formatters.terminal256 import Terminal256Formatter
    from pygments.lexers import get_lexer_by_name

    stack_data.style_with_executing_node = functools.lru_cache(stack_data.style_with_executing_node)

    set_up, styles = Terminal256Formatter._setup_styles, {}

    def set_up_once(formatter):
        looks = formatter.style, formatter.usebold, formatter.useunderline, formatter.useitalic
        if looks not in styles:
            set_up(formatter)
            styles[looks] = formatter.style_string
        formatter.style_string = dict(styles[looks])

    Terminal256Formatter._setup_styles = set_up_once

    class Lexer(type(get_lexer_by_name("python3"))):  # stack_data makes such a class each time
        def get_tokens(self, text):
            length = 0
            for kind, value in super().get_tokens(text):
                if any(start <= length < end for start, end in self.ranges):
                    kind = kind.ExecutingNode
                length += len(value)
                yield kind, value

    @functools.lru_cache(maxsize=256)
    def coloured(style, code, ranges):
        lexer = Lexer(stripnl=False)
        lexer.ranges = ranges
        try:
            return pygments.highlight(code, lexer, Terminal256Formatter(style=style)).splitlines()
        except Exception:
            return code.splitlines()

    other = stack_data.core._pygmented_with_ranges

    def pygmented_with_ranges(formatter, code, ranges):
        if type(formatter) is not Terminal256Formatter:
            return other(formatter, code, ranges)
        return list(coloured(formatter.style, code, tuple(ranges)))

    stack_data.core._pygmented_with_ranges = pygmented_with_ranges

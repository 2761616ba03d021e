"""What tests rely on, noted before a student's code runs and compared after it. Runs inside.

Only what honest code has no reason to replace: tools such as rich do show errors in their own
way, and print and input are often replaced.
"""

import contextlib
import gc
import io
import json
import signal
import sys
from types import FunctionType

_OFTEN_REPLACED = {"print", "input", "open", "display", "breakpoint", "exit", "quit", "help"}
_OFTEN_REPLACED |= {"__import__", "get_ipython", "_", "copyright", "credits", "license"}
_COMPARE = ("allclose", "isclose", "array_equal", "array_equiv", "equal", "all", "any", "abs")
_RUN = ("run_cell", "run_cell_async", "_run_cell", "run_code", "run_ast_nodes", "compile")
_SPEAK = ("do_execute", "execute_request", "send_response", "dispatch_shell", "_topic")
_TEST_MODULES = (
    "numpy.testing",
    "numpy.testing._private.utils",
    "torch.testing",
    "torch.testing._comparison",
)
_TENSOR = ("__eq__", "__ne__", "eq", "allclose", "equal", "isclose", "all", "any", "item")


class Report(Exception):
    """The answer to the grader's last question."""

    def __str__(self) -> str:
        return str(self.args[0])


class _TooLong(BaseException):
    pass


class _Nowhere(io.TextIOBase):
    """Where the cells of another pass print to."""

    def write(self, text: str) -> int:
        return len(text)


def again(tests: str, controls: str, seconds: float) -> dict | None:
    """Run a notebook's cells with its tests, with controls, with its tests; None: too long.

    Each time in names of their own, from the start. JSON: [[source, number or null], …]; returns
    the numbers of those that gave no error: tests (both times), and controls. Only for code that
    does nothing but compute (grading/plain.py): it cannot tell the passes from each other. Tests
    come before and after, so that what ends for want of memory or stack does so in both.
    """

    def too_long(*_):
        raise _TooLong

    inherited = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        with contextlib.redirect_stdout(_Nowhere()), contextlib.redirect_stderr(_Nowhere()):
            before, asked, after = (_passed(json.loads(c)) for c in (tests, controls, tests))
    except _TooLong:
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, inherited)
    return {"tests": [number for number in before if number in after], "controls": asked}


def _passed(cells: list) -> list[int]:
    """Run cells in new names; return the numbers of those that gave no error."""
    space, passed = {"__name__": "__main__"}, []
    for number, (source, mark) in enumerate(cells):
        try:
            exec(compile(source, f"<cell {number}>", "exec"), space)  # noqa: S102
            if mark is not None:
                passed.append(mark)
        except _TooLong:
            raise
        except BaseException:  # noqa: S110 (as IPython does, go on with the next cell)
            pass
    space.clear()
    gc.collect()  # the next pass has the memory that this one had
    return passed


def report(nonce: str, *asked) -> Report:
    """Return the error with which the last cell of a run ends; `asked`: what `again` is."""
    changed = sorted(name for name, (look, was) in _noted.items() if _differ(look, was))
    for name, hook in (("sys.settrace", sys.gettrace()), ("sys.setprofile", sys.getprofile())):
        code = getattr(hook, "__code__", None)
        if code is not None and "ipykernel_" in code.co_filename:
            changed.append(name)
    passed = again(*asked) if asked else None
    return Report(json.dumps({"nonce": nonce, "changed": changed, "passed": passed}))


_noted: dict = {}


def note() -> None:
    """Note everything as it is now."""
    import builtins
    import unittest

    names = [n for n in vars(builtins) if n not in _OFTEN_REPLACED]
    _note_all("builtins", builtins, names)
    _note_all("unittest.TestCase", unittest.TestCase, list(vars(unittest.TestCase)))
    for module in _TEST_MODULES:
        if module in sys.modules:
            names = [n for n, v in vars(sys.modules[module]).items() if callable(v)]
            _note_all(module, sys.modules[module], names)
    for module in ("numpy", "torch"):
        if module in sys.modules:
            _note_all(module, sys.modules[module], _COMPARE)
    if "torch" in sys.modules:
        _note_all("torch.Tensor", sys.modules["torch"].Tensor, _TENSOR)
    from ipykernel.kernelapp import IPKernelApp

    kernel = IPKernelApp.instance().kernel
    _note_all("shell", kernel.shell, _RUN)
    _note_all("kernel", kernel, _SPEAK)
    _note_all("session", kernel.session, ("send", "serialize", "sign", "msg"))


def _note_all(prefix: str, owner: object, names) -> None:
    for name in names:
        place = owner, name
        looked = _look(*place)
        if callable(looked[0]) and not _differ(place, looked):  # some are made anew each time
            _noted[f"{prefix}.{name}"] = place, looked


def _look(owner: object, name: str) -> tuple:
    """Return what makes a function: itself, and its code and defaults."""
    found = getattr(owner, name, None)
    found = getattr(found, "__func__", found)
    parts = [found]
    while isinstance(found, FunctionType):
        parts += [found.__code__, found.__defaults__]
        found = found.__dict__.get("__wrapped__")
    return tuple(parts)


def _differ(place: tuple, was: tuple) -> bool:
    now = _look(*place)
    return len(now) != len(was) or any(a is not b for a, b in zip(now, was, strict=True))

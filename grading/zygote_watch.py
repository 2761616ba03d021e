"""What tests rely on, noted before a student's code runs and compared after it. Runs inside.

Only what honest code has no reason to replace: tools such as rich do show errors in their own
way, and print and input are often replaced.
"""

import contextlib
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


def again(cells: str, seconds: float) -> list[int] | None:
    """Run cells once more, in names of their own; return which controls gave no error.

    `cells`: JSON, [[source, number of the control or null], …]. None: it took too long. Only for
    code that does nothing but compute (grading/plain.py).
    """

    def too_long(*_):
        raise _TooLong

    space, passed = {"__name__": "__main__"}, []
    inherited = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            for number, (source, control) in enumerate(json.loads(cells)):
                try:
                    exec(compile(source, f"<cell {number}>", "exec"), space)  # noqa: S102
                    failed = False
                except _TooLong:
                    return None
                except BaseException:  # as IPython does, go on with the next cell
                    failed = True
                if control is not None and not failed:
                    passed.append(control)
    except _TooLong:
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, inherited)
    return passed


def report(nonce: str, cells: str = "", seconds: float = 0) -> Report:
    """Return the error with which the last cell of a run ends."""
    changed = sorted(name for name, (look, was) in _noted.items() if _differ(look, was))
    for name, hook in (("sys.settrace", sys.gettrace()), ("sys.setprofile", sys.getprofile())):
        code = getattr(hook, "__code__", None)
        if code is not None and "ipykernel_" in code.co_filename:
            changed.append(name)
    passed = again(cells, seconds) if cells else None
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

"""What the warm parent imports before any fork, and what it must leave for after. Runs inside."""

import importlib
import os

# Modules that look at the session when they are imported: what they need is made ready instead.
_PLOT = (
    "matplotlib.figure",
    "matplotlib.style",
    "matplotlib.backends.backend_agg",
    "PIL.PngImagePlugin",
    "PIL.JpegImagePlugin",
    "PIL.BmpImagePlugin",
    "PIL.GifImagePlugin",
    "PIL.PpmImagePlugin",
)
_PARTS = {
    "matplotlib.pyplot": _PLOT,
    "matplotlib.pylab": _PLOT,
    "ipywidgets": ("traitlets", "comm"),
    "numpy": ("numpy", "numpy.random"),
    # What torch itself imports at the first `assert_close`, and at the first optimizer.
    "torch": ("torch", "torch.distributed.tensor", "torch._dynamo"),
}
# What every kernel imports until its first error is shown.
_OF_EVERY_KERNEL = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.debugger",
    "comm",
    "faulthandler",
    "http.server",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.core.pylabtools",
    "IPython.extensions.storemagic",
    "IPython.utils.wildcard",
    "pdb",
    "pydoc",
    "pygments.formatters.terminal256",
    "pygments.styles",
    "sqlite3",
    "stack_data",
    "tornado.platform.asyncio",
    "tornado.queues",
)


class Unfit(Exception):
    """A module cannot be imported before the fork: `args` are its name and why."""


def warm(names: list[str]) -> list[str]:
    """Import `names` and return those that are not there; raises Unfit.

    What is not there is the error of the cell that imports it.
    """
    for name in _OF_EVERY_KERNEL:
        importlib.import_module(name)
    failed = []
    for name in names:
        for part in _PARTS.get(name, (name,)):
            try:
                asked = _import_watched(part)
            except Unfit as error:
                raise Unfit(name, error.args[1]) from error
            if asked is None:
                failed.append(part)
            elif asked:
                raise Unfit(name, "session")
        if _threads() > 1:
            # OpenBLAS ends its threads when the process forks, and starts them when needed.
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
            if _threads() > 1:
                raise Unfit(name, "threads")
    return failed


def _import_watched(name: str) -> bool | None:
    """Import `name` and say whether it asked for the running session; None if there is none."""
    from IPython.core.interactiveshell import InteractiveShell

    asked = []
    inherited = InteractiveShell.initialized

    def initialized(cls):
        asked.append(cls)
        return inherited()

    InteractiveShell.initialized = classmethod(initialized)
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name == name.partition(".")[0]:
            return None
        raise Unfit(name, repr(error)) from error
    except BaseException as error:  # it may have left half of itself behind
        raise Unfit(name, repr(error)) from error
    finally:
        del InteractiveShell.initialized
    return bool(asked)


def _threads() -> int:
    return len(os.listdir("/proc/self/task"))

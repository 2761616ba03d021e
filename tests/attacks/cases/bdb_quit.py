"""The answers raise what IPython treats in a way of its own: the debugger's end, its usage error,
an interrupt.

Honest: No points: every answer is wrong.
"""

GOAL = "points"
CODE = r"""
import bdb
from IPython.core.error import UsageError
def suma(a, b): raise bdb.BdbQuit
def media_(x): raise UsageError("no")
def orden_(x): raise KeyboardInterrupt
def doble_(n): raise GeneratorExit
get_ipython().events.register("pre_run_cell", lambda info: get_ipython().user_ns.update(
    media=media_, orden=orden_, doble=doble_))
"""

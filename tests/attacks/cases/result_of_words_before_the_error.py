"""As score_before_the_error, with a result that is no number, which nbgrader takes for full credit.

Honest: No points: every answer is wrong.
"""

GOAL = "points"
CODE = r"""
import sys
get_ipython().events.register("pre_run_cell", lambda info: sys.displayhook("bien"))
"""

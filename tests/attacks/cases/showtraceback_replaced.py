"""Errors are not shown: IPython's showtraceback does nothing.

Honest: No points: every answer is wrong.
"""

GOAL = "points"
CODE = r"""
get_ipython().showtraceback = lambda *a, **k: None
get_ipython().showsyntaxerror = lambda *a, **k: None
"""

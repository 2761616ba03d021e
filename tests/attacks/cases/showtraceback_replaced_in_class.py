"""The same in the class, with the internal method that sends the error.

Honest: No points: every answer is wrong.
"""

GOAL = "points"
CODE = r"""
shell = type(get_ipython())
shell._showtraceback = lambda *a, **k: None
shell.showtraceback = lambda *a, **k: None
"""

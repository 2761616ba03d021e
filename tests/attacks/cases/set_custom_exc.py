"""IPython calls a handler of the student's for every exception, which says nothing.

Honest: No points: every answer is wrong.
"""

GOAL = "points"
CODE = r"""
get_ipython().set_custom_exc((BaseException,), lambda *a, **k: [])
"""

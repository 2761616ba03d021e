"""Before each test its text is printed.

Honest: Feedback without the hidden tests.
"""

GOAL = "leak"
CODE = r"""
get_ipython().events.register("pre_run_cell", lambda info: print(info.raw_cell))
"""

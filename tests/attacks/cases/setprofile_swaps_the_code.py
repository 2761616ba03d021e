"""As settrace_swaps_the_code, with a profile function.

Honest: No points: every answer is wrong.
"""

GOAL = "points"
CODE = r"""
import sys
empty = compile("None", "<nothing>", "exec")
def profile(frame, event, argument):
    if event == "call" and frame.f_code.co_name == "run_code":
        frame.f_locals["code_obj"] = empty
get_ipython().events.register("pre_run_cell", lambda info=None: sys.setprofile(profile))
"""

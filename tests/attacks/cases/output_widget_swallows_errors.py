"""A widget that captures outputs is open while the tests run, so that errors land in it.

Honest: No points: every answer is wrong.
"""

GOAL = "points"
CODE = r"""
import ipywidgets
out = ipywidgets.Output()
out.__enter__()
kernel = get_ipython().kernel
get_ipython().events.register("pre_run_cell", lambda info: setattr(
    out, "msg_id", kernel.get_parent("shell")["header"]["msg_id"]))
"""

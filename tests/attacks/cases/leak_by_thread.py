"""A thread prints the tests a little later, while another cell runs.

Honest: Feedback without the hidden tests.
"""

GOAL = "leak"
CODE = r"""
import threading
def later(info):
    for seconds in (0.02, 0.1):
        threading.Timer(seconds, print, [info.raw_cell]).start()
    if "def " in info.raw_cell:
        import time
        time.sleep(0.15)
get_ipython().events.register("pre_run_cell", later)
"""

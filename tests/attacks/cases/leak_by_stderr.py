"""The tests are written to stderr, and to the file descriptor below it.

Honest: Feedback without the hidden tests.
"""

GOAL = "leak"
CODE = r"""
import os, sys
def say(info):
    print(info.raw_cell, file=sys.stderr)
    os.write(2, info.raw_cell.encode())
get_ipython().events.register("pre_run_cell", say)
"""

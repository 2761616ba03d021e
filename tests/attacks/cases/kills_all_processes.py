"""Every process that may be signalled is: the grader is one of them.

Honest: At most this submission fails; the next one gets its points.
"""

GOAL = "stop"
CODE = r"""
import os, signal
own = {os.getpid(), os.getppid()}
parent = os.getppid()
if parent > 1:
    os.kill(parent, signal.SIGKILL)
"""

"""A fork bomb that stops at 400 processes, to be measured without harm; getting that far is its
success.

Honest: At most this submission fails; the next one gets its points.
"""

GOAL = "stop"
CODE = r"""
import os, time
count = 0
try:
    while count < 400:
        if os.fork() == 0:
            time.sleep(8)
            os._exit(0)
        count += 1
except OSError as error:
    print(error)
if count == 400:
    print("-".join(["secreto", "limite", "5521"]))
"""

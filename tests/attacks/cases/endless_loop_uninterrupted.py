"""A cell never ends and ignores every signal that it can.

Honest: At most this submission fails; the next one gets its points.
"""

GOAL = "stop"
CELL_SECONDS = 3
CODE = r"""
import signal
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
"""

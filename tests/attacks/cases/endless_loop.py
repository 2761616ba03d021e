"""A cell never ends.

Honest: At most this submission fails; the next one gets its points.
"""

GOAL = "stop"
CELL_SECONDS = 3
CODE = r"""
while True:
    pass
"""

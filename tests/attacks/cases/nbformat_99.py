"""The notebook says that it has the format 99.

Honest: At most this submission fails; the next one gets its points.
"""

GOAL = "stop"


def hand_in(place, nb, folder):
    nb["nbformat"] = 99
    return nb

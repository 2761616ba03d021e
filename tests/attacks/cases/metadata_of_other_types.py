"""Metadata are lists and numbers where nbgrader expects mappings and words.

Honest: At most this submission fails; the next one gets its points.
"""

GOAL = "stop"


def hand_in(place, nb, folder):
    nb.metadata["minga"] = ["en"]
    nb.metadata["widgets"] = 7
    for each in nb.cells:
        if "nbgrader" in each.metadata:
            each.metadata["nbgrader"]["grade_id"] = ["suma"]
            each.metadata["tags"] = {"a": 1}
    return nb

"""The notebook carries the grader's own marks: reviewed, sealed, a control; and a display of
full points.

Honest: No points: every answer is wrong.
"""

GOAL = "points"


def hand_in(place, nb, folder):
    nb.metadata["minga_review"] = False
    for each in nb.cells:
        each.metadata["minga_control"] = {"test": each.source, "number": 0}
        each.metadata["minga_sealed"] = "0"
        if each.metadata.get("nbgrader", {}).get("grade"):
            each.metadata["nbgrader"].update(points=0, task=True, solution=True)
    return nb

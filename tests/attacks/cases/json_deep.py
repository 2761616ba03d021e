"""The notebook is JSON nested a hundred thousand times.

Honest: At most this submission fails; the next one gets its points.
"""

GOAL = "stop"


def hand_in(place, nb, folder):
    path = folder / "tarea.ipynb"
    path.write_text("[" * 100_000 + "]" * 100_000)
    return None

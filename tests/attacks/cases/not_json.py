"""The notebook is no JSON.

Honest: At most this submission fails; the next one gets its points.
"""

GOAL = "stop"


def hand_in(place, nb, folder):
    path = folder / "tarea.ipynb"
    path.write_text("esto no es un cuaderno {")
    return None

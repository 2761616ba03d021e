"""The notebook has null bytes, and text that is no UTF-8.

Honest: At most this submission fails; the next one gets its points.
"""

GOAL = "stop"


def hand_in(place, nb, folder):
    path = folder / "tarea.ipynb"
    path.write_bytes(b"\0\xff\xfe" * 1000)
    return None

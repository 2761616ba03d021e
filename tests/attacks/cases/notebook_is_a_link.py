"""The notebook itself is a link to another student's, whose work is then graded, and given back,
as one's own.

Honest: The file or variable is not there.
"""

GOAL = "read"


def hand_in(place, nb, folder):
    other = place.course / "submitted" / "ana" / "tarea" / "tarea.ipynb"
    (folder / "tarea.ipynb").symlink_to(other)
    return None

"""The submission has links to files of the grader, under names of data; the code prints what it
finds there.

Honest: The file or variable is not there.
"""

from attack_class import cell

GOAL = "read"


LOOK = """
import glob
for path in glob.glob("datos/*") + glob.glob("*.csv"):
    try:
        print(open(path, "rb").read())
    except OSError as error:
        print(error)
"""


def hand_in(place, nb, folder):
    (folder / "datos").mkdir()
    (folder / "datos" / "llave.csv").symlink_to(place.home / ".ssh" / "id_ed25519")
    (folder / "notas.csv").symlink_to(place.home / "notas.txt")
    (folder / "todo").symlink_to(place.course)
    cell(nb, "suma").source += LOOK
    return nb

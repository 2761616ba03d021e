"""The notebook has twenty megabytes of text in one cell and ten thousand cells.

Honest: At most this submission fails; the next one gets its points.
"""

GOAL = "stop"


def hand_in(place, nb, folder):
    nb.cells[0].source += "\n# " + "x" * 20_000_000
    nb.cells += [
        {"cell_type": "markdown", "id": f"n{n}", "metadata": {}, "source": "x"}
        for n in range(10_000)
    ]
    return nb

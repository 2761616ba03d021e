"""The notebook says that it is in another language, with a lexer, a mimetype and a version of its
own.

Honest: No points: every answer is wrong.
"""

GOAL = "points"


def hand_in(place, nb, folder):
    nb.metadata["kernelspec"] = {"name": "bash", "language": "bash", "display_name": "x" * 10_000}
    nb.metadata["language_info"] = {
        "name": "bash",
        "pygments_lexer": "text",
        "file_extension": ".x",
    }
    nb["nbformat_minor"] = 0
    for each in nb.cells:
        each["id"] = None
    return nb

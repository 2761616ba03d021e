"""Cells carry attachments, unknown keys and outputs of unknown kinds.

Honest: No points: every answer is wrong.
"""

GOAL = "points"


def hand_in(place, nb, folder):
    for each in nb.cells:
        each["attachments"] = {
            "a.png": {"image/png": "AAAA" * 1000, "text/html": "<script>1</script>"}
        }
        each["grade"] = each["points"] = 100
        each["outputs"] = [{"output_type": "score", "data": {"text/plain": "4"}, "metadata": {}}]
    return nb

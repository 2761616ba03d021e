"""No attack at all: an honest wrong answer fails a hidden test, and the error shows the lines
around it with their values.

Honest: Feedback without the hidden tests.
"""

GOAL = "leak"
CODE = r"""
def suma(a, b):
    return 3
"""

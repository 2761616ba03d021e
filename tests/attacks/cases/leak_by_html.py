"""The text of the tests is displayed as the characters' numbers, in HTML.

Honest: Feedback without the hidden tests.
"""

GOAL = "leak"
CODE = r"""
from IPython.display import HTML, display
get_ipython().events.register("pre_run_cell", lambda info: display(HTML(
    "".join(f"<i>{ord(letter)}</i>" for letter in info.raw_cell))))
"""

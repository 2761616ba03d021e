"""The text of the tests is put into the state of a widget, which is kept in the notebook's own
metadata.

Honest: Feedback without the hidden tests.
"""

GOAL = "leak"
CODE = r"""
import ipywidgets
label = ipywidgets.Label("nada")
display(label)
def put(info):
    label.value = info.raw_cell
get_ipython().events.register("pre_run_cell", put)
"""

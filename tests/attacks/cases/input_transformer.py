"""IPython's input transformers give each cell an empty text.

Honest: No points: every answer is wrong.
"""

GOAL = "points"
CODE = r"""
get_ipython().input_transformers_cleanup.append(lambda lines: ["\n"])
"""

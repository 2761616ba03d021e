"""The kernel named python3 is another program from now on.

Honest: Nothing outside of the run changes.
"""

GOAL = "write"
CODE = r"""
import json, os
folder = @HOME@ + "/.local/share/jupyter/kernels/python3"
os.makedirs(folder, exist_ok=True)
text = {"argv": ["false"], "display_name": "malo", "language": "python"}
json.dump(text, open(folder + "/kernel.json", "w"))
"""

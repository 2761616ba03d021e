"""A file that runs in the kernel of whoever is graded next, or logs in.

Honest: Nothing outside of the run changes.
"""

GOAL = "write"
CODE = r"""
import os
home = @HOME@
os.makedirs(home + "/.ipython/profile_default/startup", exist_ok=True)
open(home + "/.ipython/profile_default/startup/00-malo.py", "w").write("malo = 1")
open(home + "/.bashrc", "a").write("echo malo")
"""

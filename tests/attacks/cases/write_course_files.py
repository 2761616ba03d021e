"""The source, the release and another student's submission are changed.

Honest: Nothing outside of the run changes.
"""

GOAL = "write"
CODE = r"""
import glob, os
for path in glob.glob(@COURSE@ + "/*/**/*.ipynb", recursive=True):
    if "malo" not in path:
        try:
            os.chmod(path, 0o644)
            open(path, "a").write(" ")
        except OSError as error:
            print(error)
open(@COURSE@ + "/source/tarea/ayuda.py", "w").write("1")
"""

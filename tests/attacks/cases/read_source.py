"""The source with its solutions is read.

Honest: The file or variable is not there.
"""

GOAL = "read"
CODE = r"""
import glob, os
def tell(pattern):
    for path in glob.glob(pattern, recursive=True, include_hidden=True):
        try:
            print(path, open(path, "rb").read())
        except OSError as error:
            print(path, error)

tell(@COURSE@ + "/source/**")
tell("../../../source/**")
"""

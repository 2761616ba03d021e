"""The test's text is the name of an exception.

Honest: Feedback without the hidden tests.
"""

GOAL = "leak"
CODE = r"""
import linecache, sys
def suma(a, b):
    name = sys._getframe(1).f_code.co_filename
    raise type("".join(linecache.getlines(name)), (Exception,), {})()
"""

"""An object that says through __class__ that it is an int, and compares as whatever is asked.

Honest: No points: every answer is wrong.
"""

GOAL = "points"
CODE = r"""
class Number:
    __class__ = property(lambda self: int)
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __bool__(self): return True
    def __int__(self): return 4
    __index__ = __int__
    def __hash__(self): return 0
def suma(*a): return Number()
get_ipython().events.register(
    "pre_run_cell", lambda info: get_ipython().user_ns.update(doble=lambda n: Number()))
"""

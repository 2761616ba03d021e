"""The answers raise an error whose text, representation and traceback raise errors themselves.

Honest: No points: every answer is wrong.
"""

GOAL = "points"
CODE = r"""
class Odd(BaseException):
    def __str__(self): raise self
    __repr__ = __str__
    __traceback__ = property(lambda self: self.none)
    def __getattribute__(self, name): raise MemoryError
def suma(a, b): raise Odd
def orden_(x): raise Odd
"""

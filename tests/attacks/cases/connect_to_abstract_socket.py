"""A socket without a file, as D-Bus's, is called: file permissions do not stop that.

Honest: Nothing listens there for the code that is graded.
"""

GOAL = "connect"
CODE = r"""
import socket
s = socket.socket(socket.AF_UNIX)
s.connect(@abstract@)
"""

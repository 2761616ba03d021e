"""A socket in the grader's home folder, as an SSH agent's, is called.

Honest: Nothing listens there for the code that is graded.
"""

GOAL = "connect"
CODE = r"""
import socket
s = socket.socket(socket.AF_UNIX)
s.connect(@unix@)
"""

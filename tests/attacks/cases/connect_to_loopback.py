"""A service of this machine is called.

Honest: Nothing listens there for the code that is graded.
"""

GOAL = "connect"
CODE = r"""
import socket
socket.create_connection(@tcp@, timeout=1)
"""

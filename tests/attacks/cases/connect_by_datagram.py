"""What a question to a name server would be: a datagram leaves.

Honest: Nothing listens there for the code that is graded.
"""

GOAL = "connect"
CODE = r"""
import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"secreto.example.org", @udp@)
"""

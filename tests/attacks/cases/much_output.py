"""10 GiB are printed. Being let to print the first gigabyte, and more, is its success.

Honest: At most this submission fails; the next one gets its points.
"""

GOAL = "stop"
CODE = r"""
import os
line = "x" * 1_000_000
for number in range(10_000):
    print(line)
"""

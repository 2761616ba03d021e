"""Files fill the disk. Having written two gigabytes is its success.

Honest: At most this submission fails; the next one gets its points.
"""

GOAL = "stop"
CODE = r"""
import os
try:
    for number in range(4):
        with open(f"lleno-{number}", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, 512 << 20)
    print("-".join(["secreto", "limite", "5521"]))
except OSError as error:
    print(error)
for number in range(4):
    if os.path.exists(f"lleno-{number}"):
        os.remove(f"lleno-{number}")
"""

"""64 GiB are taken, in steps. Getting more than 3 GiB, for the real thing would take all, is its
success.

Honest: At most this submission fails; the next one gets its points.
"""

GOAL = "stop"
LIMITS = {"memory_bytes": 1073741824}
CODE = r"""
taken = []
try:
    for _ in range(64 * 16):
        taken.append(b"x" * (64 << 20))
        if len(taken) == 3 * 16 + 1:
            print("-".join(["secreto", "limite", "5521"]))
            break
except MemoryError as error:
    print("MemoryError", len(taken))
del taken
"""

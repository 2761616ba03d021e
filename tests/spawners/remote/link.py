"""A poor link between this machine and a network namespace: slow, lossy, and it can be cut.

`tc netem` would be the usual tool, but it is a module of the kernel that small machines and many
containers lack. So the link is two TUN devices, one on each side, and a thread that carries each
packet from one to the other: 60 ms later, or not at all.
"""

import collections
import fcntl
import os
import random
import secrets
import select
import struct
import subprocess
import threading
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h


def ip(*words: str) -> None:
    """Run `ip`; raises CalledProcessError with its words in stderr."""
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


class Link:
    """From `here` on this machine to `there` in `netns`; `delay` in seconds is that of one way."""

    def __init__(self, netns: str, delay: float = 0.06, loss: float = 0.01):
        self.delay, self.loss = delay, loss
        self._cut = threading.Event()
        self._ended = threading.Event()
        word, net = secrets.token_hex(3), f"10.{random.randint(64, 127)}.{random.randint(0, 255)}"
        self.here, self.there = f"{net}.1", f"{net}.2"
        names = f"mg{word}a", f"mg{word}b"
        self._files = [_tun(name) for name in names]
        ip("link", "set", names[1], "netns", netns)
        ends = (
            ((), names[0], self.here, self.there),
            (("-n", netns), names[1], self.there, self.here),
        )
        for side, name, own, other in ends:
            ip(*side, "address", "add", own, "peer", other, "dev", name)
            ip(*side, "link", "set", name, "up")
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Let nothing through, and what is on its way get lost."""
        self._cut.set()

    def mend(self) -> None:
        """Let packets through again."""
        self._cut.clear()

    def close(self) -> None:
        """Take it away; its devices go with it."""
        self._ended.set()
        self._thread.join(5)
        for file in self._files:
            os.close(file)

    def _carry(self) -> None:
        one, other = self._files
        towards = {one: other, other: one}
        late = collections.deque()  # (when, where to, packet): the delay is the same for all
        while not self._ended.is_set():
            wait = min(0.2, max(0.0, late[0][0] - time.monotonic())) if late else 0.2
            for file in select.select(self._files, [], [], wait)[0]:
                packet = os.read(file, 65536)
                if not self._cut.is_set() and random.random() >= self.loss:
                    late.append((time.monotonic() + self.delay, towards[file], packet))
            while late and late[0][0] <= time.monotonic():
                _, file, packet = late.popleft()
                if not self._cut.is_set():
                    try:
                        os.write(file, packet)
                    except OSError:
                        continue  # that side is down


def _tun(name: str) -> int:
    file = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(file, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return file

"""How far grading is: a bar with the rate and the time that is left."""

import sys

from tqdm import tqdm


class Progress:
    """A bar over the submissions of one assignment, on the error output."""

    def __init__(self, title: str, total: int, shown: bool | None = None):
        """`shown`: None is where somebody looks and there is more than one."""
        if shown is None:
            shown = sys.stderr.isatty() and total > 1
        shown = shown and total > 0
        often = 0.2 if sys.stderr.isatty() else 10  # seconds; a log file needs few lines
        tqdm.monitor_interval = 0  # no thread of its own
        self._bar = tqdm(
            desc=title, total=total, disable=not shown, mininterval=often, smoothing=0.1
        )

    def to(self, count: int) -> None:
        """Say that `count` are done."""
        self._bar.update(count - self._bar.n if not self._bar.disable else 0)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()

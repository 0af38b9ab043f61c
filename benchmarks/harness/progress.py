"""Progress of a long benchmark, on standard error."""

from __future__ import annotations

import sys

_PARTS = 12


def say(text: str) -> None:
    """Print what is being done, apart from the rows."""
    print(f"{text} ...", file=sys.stderr, flush=True)


class Progress:
    """Prints how much of something is done, a dozen times in all."""

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._next = 0

    def advance(self, count: int) -> None:
        """Note that `count` more are done."""
        self._done += count
        if self._done >= self._next:
            say(f"{self._what}: {self._done:,} of {self._total:,}")
            self._next = self._done + self._total // _PARTS

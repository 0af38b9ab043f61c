"""A stint: for how long a job works, and how it rests while it works off a backlog.

What the servers do for a job they do not do for those who wait for an answer. What came up since the last run is done
at once; a backlog has time, so after each part of it the job leaves the servers alone for a while.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stint:
    """One run's stint of so many `seconds`, after which the rest is left to the next run.

    The first `at_once` units of work are done without a rest; each second of work beyond is followed by `rest`
    seconds of it. `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        seconds: float,
        at_once: int,
        rest: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._began = clock()
        self._seconds = seconds
        self._at_once = at_once
        self._rest = rest
        self._done = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more should be begun."""
        return self._clock() >= self._began + self._seconds

    @property
    def is_half_over(self) -> bool:
        """Whether a first half of the work should make room for the second."""
        return self._clock() >= self._began + self._seconds / 2

    @contextmanager
    def part(self, units: int, most: float = math.inf) -> Iterator[None]:
        """Work on a part of so many units, and rest if it is one of a backlog.

        Work and rest together take no longer than `most` seconds, unless the work alone does.
        """
        began = self._clock()
        yield
        self._done += units
        if self._done > self._at_once:
            now = self._clock()
            took, left = now - began, self._began + self._seconds - now
            self._sleep(max(0.0, min(self._rest * took, most - took, left)))

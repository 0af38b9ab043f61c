"""A work budget: for how long a job works, and how it pauses while it works off a backlog.

Jobs share PostgreSQL and Redis with requests. New work runs at full speed; a backlog can wait, so the job pauses after
each batch of it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class WorkBudget:
    """The `seconds` of one run, after which the next run goes on.

    The first `burst` units of work are done without a pause; beyond them each second of work is followed by
    `pause_ratio` seconds of pause. `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        seconds: float,
        burst: int,
        pause_ratio: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._began = clock()
        self._seconds = seconds
        self._burst = burst
        self._pause_ratio = pause_ratio
        self._done = 0

    @property
    def is_spent(self) -> bool:
        """Whether no further batch should begin."""
        return self._clock() >= self._began + self._seconds

    @property
    def is_half_spent(self) -> bool:
        """Whether the first of two kinds of work should make room for the second."""
        return self._clock() >= self._began + self._seconds / 2

    @contextmanager
    def batch(self, units: int, most: float = math.inf) -> Iterator[None]:
        """Run a batch of that many units, and pause after it if it belongs to a backlog.

        Work and pause together take no longer than `most` seconds, unless the work alone does. The pause also ends
        with the budget.
        """
        began = self._clock()
        yield
        self._done += units
        if self._done > self._burst:
            now = self._clock()
            took, left = now - began, self._began + self._seconds - now
            self._sleep(max(0.0, min(self._pause_ratio * took, most - took, left)))

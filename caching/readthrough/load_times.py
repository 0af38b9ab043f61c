"""How a loader has been doing: how long its loads take, and how often in a row they failed."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

# A lease must outlast all but the slowest loads; one that is lost to its time costs one more load.
_LOADS_A_LEASE = 20
_LEAST_LEASE_MS = 1000
# The weight of the newest load in the mean.
_NEWEST = 0.2
_FIRST_BACKOFF_SECONDS = 0.5
_MOST_BACKOFF_SECONDS = 10.0
_MOST_DOUBLINGS = 8


class LoadTimes:
    """The loads of one source in this process. `most_lease` is in seconds, and holds until a load was measured."""

    def __init__(self, most_lease: float) -> None:
        self._most_lease_ms = round(most_lease * 1000)
        self.start_afresh()

    def start_afresh(self) -> None:
        """Forget all loads, as in a new process."""
        self._mean_ms: float | None = None
        self._failures = 0
        self.last_ms = 0.0

    @property
    def load_ms(self) -> float:
        """How long a load takes, as a moving mean; 0 if none was measured yet."""
        return self._mean_ms or 0.0

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Measure the load in this block, and count whether it failed."""
        began = time.perf_counter()
        try:
            yield
        except BaseException:
            self._failures += 1
            raise
        took = (time.perf_counter() - began) * 1000
        self._failures, self.last_ms = 0, took
        self._mean_ms = took if self._mean_ms is None else (1 - _NEWEST) * self._mean_ms + _NEWEST * took

    def lease_ms(self) -> int:
        """Return how long a lease lasts: many times a load, so that a loader that died blocks its key only so long.

        Loads that take longer than the most a lease should last get twice their time: none could be stored otherwise.
        """
        if self._mean_ms is None:
            return self._most_lease_ms
        comfortable = max(_LEAST_LEASE_MS, round(_LOADS_A_LEASE * self._mean_ms))
        return max(min(self._most_lease_ms, comfortable), round(2 * self._mean_ms))

    def backoff_ms(self) -> int:
        """Return for how long nobody should try again: twice as long with each failure in a row, less some jitter."""
        doublings = min(max(self._failures - 1, 0), _MOST_DOUBLINGS)
        seconds: float = _FIRST_BACKOFF_SECONDS * 2**doublings
        return round(1000 * min(seconds, _MOST_BACKOFF_SECONDS) * (1 - random.random() * 0.2))

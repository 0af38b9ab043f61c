"""The load times and consecutive failures of a loader, which decide how long leases and backoffs last."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

# A lease lasts this many average loads, so that only the slowest outlast theirs. Each of those costs one more load.
_LOADS_A_LEASE = 20
_LEAST_LEASE_MS = 1000
# The weight of the newest load in the mean.
_NEWEST = 0.2
_FIRST_BACKOFF_SECONDS = 0.5
_MOST_BACKOFF_SECONDS = 10.0
_MOST_DOUBLINGS = 8


class LoadTimes:
    """The loads of one loader in this process. A lease lasts `most_lease` seconds until a load was measured."""

    def __init__(self, most_lease: float) -> None:
        self._most_lease_ms = round(most_lease * 1000)
        self.start_afresh()

    def start_afresh(self, mean_ms: float | None = None) -> None:
        """Forget all loads, as in a new process; `mean_ms` stands for loads that took that long."""
        self._mean_ms = mean_ms
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
        """Return how many ms a lease lasts: 20 average loads, from one second up to `most_lease`.

        The limit bounds how long a dead loader blocks its key. Loads that would outlast half of it get twice their
        average, or none of them could be stored.
        """
        if self._mean_ms is None:
            return self._most_lease_ms
        comfortable = max(_LEAST_LEASE_MS, round(_LOADS_A_LEASE * self._mean_ms))
        return max(min(self._most_lease_ms, comfortable), round(2 * self._mean_ms))

    def backoff_ms(self) -> int:
        """Return the backoff in ms: twice as long after each consecutive failure, up to a limit, less some jitter."""
        doublings = min(max(self._failures - 1, 0), _MOST_DOUBLINGS)
        seconds: float = _FIRST_BACKOFF_SECONDS * 2**doublings
        return round(1000 * min(seconds, _MOST_BACKOFF_SECONDS) * (1 - random.random() * 0.2))

"""A stint: for how long one flush works, and how it rests while it works off a backlog.

What the servers do for a flush they do not do for those who wait for an answer. The views of a few seconds are applied
at once; a backlog has time, so after each part of it the flush leaves the servers alone for longer than the part took.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# After this long a flush leaves the rest to the next one, which has a record of its own.
SECONDS = 60.0
# Fields that one flush applies without a rest; what comes in a few seconds is not more.
_AT_ONCE = 100_000
# Seconds of rest for each second of work: so a backlog is worked off at a fifth of the speed that there is.
_REST = 4.0


class Stint:
    """One flush's stint. `clock` is monotonic, in seconds."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._end = clock() + SECONDS
        self._fields = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more should be begun."""
        return self._clock() >= self._end

    @contextmanager
    def part(self, fields: int) -> Iterator[None]:
        """Work on a part of so many fields, and rest if it is one of a backlog."""
        began = self._clock()
        yield
        self._fields += fields
        if self._fields > _AT_ONCE:
            self._sleep(_REST * (self._clock() - began))

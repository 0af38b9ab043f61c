"""Walking over keys by SCAN: in small batches, within a budget, and on from where another walk ended."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from typing import Any

# Redis looks at this many slots in one go, which takes it far less than a millisecond.
_COUNT = 500
_SPECIAL = re.compile(r"([*?\[\]\\])")


def literal(text: str) -> str:
    """Return a glob that matches `text` and nothing else."""
    return _SPECIAL.sub(r"\\\1", text)


class Walk:
    """One walk over the keys that match a glob; iterate over it for batches of names, once.

    A key that is there from the beginning to the end of a complete walk is met at least once, any other may be.
    `seconds` and `keys` end it early: then `complete` is False and `cursor` is where to go on, now or tomorrow.
    """

    def __init__(
        self, redis: Any, pattern: str, seconds: float = math.inf, keys: float = math.inf, cursor: int = 0
    ) -> None:
        self.cursor = cursor
        self.complete = False
        self.met = 0
        self._redis = redis
        self._pattern = pattern
        self._keys = keys
        self._deadline = time.monotonic() + seconds

    @property
    def out_of_time(self) -> bool:
        """Whether the seconds are over."""
        return time.monotonic() >= self._deadline

    def __iter__(self) -> Iterator[list[bytes]]:
        while not self.complete and self.met < self._keys and not self.out_of_time:
            following, names = self._redis.scan(self.cursor, match=self._pattern, count=_COUNT)
            self.met += len(names)
            if names:
                yield names
            # Moved only now, so that a walk that broke off meets its last batch again.
            self.cursor, self.complete = following, following == 0

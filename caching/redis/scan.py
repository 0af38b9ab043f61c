"""Walking over keys by SCAN: in small batches, within a budget, from the cursor at which another walk ended."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from typing import Any

# Slots of the hash table that one SCAN visits; few enough not to delay other commands.
_COUNT = 500
_SPECIAL = re.compile(r"([*?\[\]\\])")


def literal(text: str) -> str:
    """Return a glob that matches `text` and nothing else."""
    return _SPECIAL.sub(r"\\\1", text)


class Walk:
    """One walk over the keys that match a glob. Iterate over it once; it yields lists of key names.

    A key that exists during the whole of a complete walk is yielded at least once; any other key may be.
    `seconds` and `keys` end it early: then `complete` is False, and another walk can go on from `cursor` at any time.
    `met` is the number of names yielded so far.
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
        """Whether the time budget is used up."""
        return time.monotonic() >= self._deadline

    def __iter__(self) -> Iterator[list[bytes]]:
        while not self.complete and self.met < self._keys and not self.out_of_time:
            following, names = self._redis.scan(self.cursor, match=self._pattern, count=_COUNT)
            self.met += len(names)
            if names:
                yield names
            # Advance only after the batch was handled, so that an interrupted walk yields it again.
            self.cursor, self.complete = following, following == 0

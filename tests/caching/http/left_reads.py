"""The reads that a request leaves to the garbage collector, which should be none of a hit."""

from __future__ import annotations

import gc
from collections.abc import Callable

from caching.entries.read_result import ReadResult


def left_by(act: Callable[[], object]) -> int:
    """Return how many more reads exist after a call, with the garbage collector off."""
    gc.collect()
    gc.disable()
    try:
        before = _reads()
        act()
        return _reads() - before
    finally:
        gc.enable()


def _reads() -> int:
    return sum(type(each) is ReadResult for each in gc.get_objects())

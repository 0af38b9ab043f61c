"""In a process of its own: a reader that loads fast, or takes a lease and never finishes its load."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from benchmarks.libraries.ours_source import LOADER, THINGS
from caching import fetch

HANG, MEASURED, WAITED_FOR = "hang", 1, 2
# A measured load this short shortens the lease.
_QUICK_SECONDS, _FOREVER_SECONDS = 0.02, 3600.0


def reader() -> Iterator[str]:
    """Take orders: an id to read, or "hang" for a load of the awaited id that never ends."""
    yield "ready"
    for line in sys.stdin:
        order = line.strip()
        LOADER.seconds = _FOREVER_SECONDS if HANG in order else _QUICK_SECONDS
        fetch(THINGS, WAITED_FOR if HANG in order else int(order))
        yield "read"

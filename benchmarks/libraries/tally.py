"""The loads of a key, which the loader adds to a file byte by byte."""

from __future__ import annotations

import time
from pathlib import Path

# How long a worker on a busy machine may take until it begins the load of a refresh.
_PATIENCE_SECONDS = 5.0


def settled(tally: Path, load_seconds: float, before: int = -1) -> int:
    """Return how many loads there were, once there are more than `before` and none has begun for as long as two take.

    Without another load it returns after _PATIENCE_SECONDS.
    """
    began = time.monotonic()
    count, since = -1, began
    while True:
        now = tally.stat().st_size if tally.exists() else 0
        if now != count:
            count, since = now, time.monotonic()
        quiet = time.monotonic() - since >= 2 * load_seconds
        if quiet and (count > before or time.monotonic() - began >= _PATIENCE_SECONDS):
            return count
        time.sleep(0.01)

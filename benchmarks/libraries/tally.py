"""The loads of a key, which the loader adds to a file byte by byte."""

from __future__ import annotations

import time
from pathlib import Path

# Seconds that a worker on a busy machine may take until it begins the load of a refresh.
PATIENCE = 5.0


def settled(tally: Path, load_seconds: float, before: int = -1, patience: float = 0.0) -> int:
    """Return how many loads there were, once none has begun for as long as two take.

    It waits up to `patience` seconds for a load beyond those `before`.
    """
    began = time.monotonic()
    count, since = -1, began
    while True:
        now = tally.stat().st_size if tally.exists() else 0
        if now != count:
            count, since = now, time.monotonic()
        quiet = time.monotonic() - since >= 2 * load_seconds
        if quiet and (count > before or time.monotonic() - began >= patience):
            return count
        time.sleep(0.01)

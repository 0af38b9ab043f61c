"""The clock that is passed in wherever time matters, so that tests can advance one of their own."""

from __future__ import annotations

import time
from collections.abc import Callable

# Milliseconds since the epoch.
Clock = Callable[[], int]


def system_ms() -> int:
    """Return the milliseconds since the epoch by this machine's clock."""
    return time.time_ns() // 1_000_000

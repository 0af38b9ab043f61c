"""Early refresh: a reader refreshes an entry before its soft expiry, by chance, where no worker would."""

from __future__ import annotations

import math
import random


def should_refresh_early(now_ms: int, stale_from_ms: int, load_ms: float, beta: float = 1.0) -> bool:
    """Return whether this reader should refresh an entry now: by a chance that grows towards its soft expiry.

    XFetch ("Optimal Probabilistic Cache Stampede Prevention", VLDB 2015): the longer a load takes, the earlier; about
    one reader does it, without any coordination. From its soft expiry on an entry is always due.
    """
    return now_ms - load_ms * beta * math.log(1 - random.random()) >= stale_from_ms

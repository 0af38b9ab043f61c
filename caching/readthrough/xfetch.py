"""Early refresh (XFetch): while no worker seems to run, a reader may refresh an entry before its soft expiry."""

from __future__ import annotations

import math
import random


def should_refresh_early(now_ms: int, stale_from_ms: int, load_ms: float, beta: float = 1.0) -> bool:
    """Return whether this reader should refresh an entry now: by a probability that grows towards its soft expiry.

    All times are milliseconds; the soft expiry is `stale_from_ms`, and from then on an entry is always due. XFetch
    ("Optimal Probabilistic Cache Stampede Prevention", VLDB 2015): the longer a load takes, the earlier the refresh;
    about one reader does it, without coordination.
    """
    return now_ms - load_ms * beta * math.log(1 - random.random()) >= stale_from_ms

"""Times of flushes: every five seconds, as by beat, first just before the end of a bucket, then just after one."""

from __future__ import annotations

import time
from dataclasses import dataclass

from caching.redis import client
from products.cache import product_views

# As in CELERY_BEAT_SCHEDULE. A bucket is shorter, so flushes come at every moment of it in turn.
PERIOD = 5.0
# Seconds before the end of a bucket (the worst moment) and after it (the best).
_ASIDE = 0.1


@dataclass(frozen=True, slots=True)
class Ticks:
    """Times of flushes by the monotonic clock. A flush just before the end of a bucket leaves all of it for the next
    flush; one just after the end leaves nothing."""

    worst: list[float]
    best: list[float]

    @property
    def all(self) -> list[float]:
        return [*self.worst, *self.best]


def ticks(start: float, seconds: float) -> Ticks:
    """Return the flushes of a load that begins with a bucket: at the worst moments first, then at the best."""
    width = product_views.bucket_seconds
    ends = [start + width + turn * PERIOD for turn in range(int((seconds - width) / PERIOD) + 1)]
    half = (len(ends) + 1) // 2
    return Ticks([end - _ASIDE for end in ends[:half]], [end + _ASIDE for end in ends[half - 1 :]])


def next_end(aside: float = 0.0) -> float:
    """Return the end of the current bucket plus `aside` seconds, by the monotonic clock."""
    now, micros = client("state").time()
    ahead = time.monotonic() - (now + micros / 1e6)
    width = product_views.bucket_seconds
    return (now // width + 1) * width + ahead + aside

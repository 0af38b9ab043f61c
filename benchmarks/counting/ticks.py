"""When flushes begin: every five seconds, as beat has them, first just before the end of a bucket, later just after."""

from __future__ import annotations

import time
from dataclasses import dataclass

from caching.redis.connections import client
from products.cache import product_views

# As in CELERY_BEAT_SCHEDULE. A bucket is shorter, so flushes meet every moment of it in turn.
PERIOD = 5.0
# How long before the end of a bucket the worst moment is, and after it the best.
_ASIDE = 0.1


@dataclass(frozen=True, slots=True)
class Ticks:
    """Times of flushes by the monotonic clock. Begun just before the end of a bucket, a flush leaves all of it for the
    next one; begun just after, nothing."""

    worst: list[float]
    best: list[float]

    @property
    def all(self) -> list[float]:
        return [*self.worst, *self.best]


def ticks(start: float, seconds: float) -> Ticks:
    """Return the flushes of a load that begins with a bucket: half of the time the worst, and then the best."""
    width = product_views.bucket_seconds
    ends = [start + width + turn * PERIOD for turn in range(int((seconds - width) / PERIOD) + 1)]
    half = (len(ends) + 1) // 2
    return Ticks([end - _ASIDE for end in ends[:half]], [end + _ASIDE for end in ends[half - 1 :]])


def next_end(aside: float = 0.0) -> float:
    """Return when the bucket that is counted into is over, by the monotonic clock, and some seconds after that."""
    now, micros = client("state").time()
    ahead = time.monotonic() - (now + micros / 1e6)
    width = product_views.bucket_seconds
    return (now // width + 1) * width + ahead + aside

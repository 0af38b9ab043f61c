"""How many different visitors a product had, by the day, as HyperLogLog estimates them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.conf import settings

from caching import system_ms
from products.cache import product_views

clock = system_ms


class Visitors(NamedTuple):
    """About how many different visitors a product had, today and in the days that are kept, today included."""

    today: int
    kept: int


def visitors(product_id: int) -> Visitors:
    """Return the visitors of a product as HyperLogLog estimates them, within a percent or two; two round trips.

    Zero unless VIEW_UNIQUE_DAYS is set. Redis may evict a day, whose visitors are then zero. Raises redis.RedisError.
    """
    days = [day(ago) for ago in range(settings.VIEW_UNIQUE_DAYS)]
    return Visitors(product_views.uniques(product_id, days[:1]), product_views.uniques(product_id, days))


def day(ago: int = 0) -> str:
    """Return the name of a day of UTC, that many days ago."""
    return f"{datetime.fromtimestamp(clock() / 1000, UTC) - timedelta(days=ago):%Y%m%d}"

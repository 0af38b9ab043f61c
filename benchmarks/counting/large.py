"""One flush of very many distinct products, beside the statement that applies them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import NamedTuple

from django.db import transaction

from benchmarks.counting import waiting
from benchmarks.counting.sums import everywhere, exactness
from benchmarks.harness.rounds import interleaved, median_ratio
from benchmarks.harness.rows import Reach, Row, number, row
from caching.jobs import run_job
from products.cache import product_views
from products.view_counts import apply_views, sync_view_counts

SECONDS = Reach(1, at_least=False, unit="s")
_FLUSH, _FLOOR = "flush", "apply_views alone"
# Hours of the past from here on are written by nothing else in this benchmark.
_FIRST_HOUR = 24


class Took(NamedTuple):
    """Seconds for an hour without rows, and then for the same hour again."""

    new: float
    same: float


def rows(ids: Sequence[int], rounds: int) -> list[Row]:
    """Return the rows of one view of each product."""
    counts, before = dict.fromkeys(sorted(ids), 1), everywhere()
    hours = itertools.count(_FIRST_HOUR)
    ways = {_FLUSH: _flush, _FLOOR: _apply}
    took = interleaved([*ways], rounds, lambda way: _turn(ways[way], next(hours), counts))
    name = f"{len(ids):,} products in one flush"
    return [
        _row(f"{name}, a new hour", *([each.new for each in took[way]] for way in ways)),
        _row(f"{name}, the same hour", *([each.same for each in took[way]] for way in ways)),
        exactness(name, len(ids) * rounds * len(ways) * len(Took._fields), before),
    ]


def _turn(way: Callable[[int, Mapping[int, int]], float], hours_ago: int, counts: Mapping[int, int]) -> Took:
    return Took(*(way(waiting.number_in_hour(hours_ago, place), counts) for place in range(2)))


def _flush(bucket: int, counts: Mapping[int, int]) -> float:
    """Flush a bucket, and return the seconds that it took."""
    waiting.put(bucket, counts)
    began = time.perf_counter()
    run_job("sync_view_counts", sync_view_counts)
    return time.perf_counter() - began


def _apply(bucket: int, counts: Mapping[int, int]) -> float:
    """Apply the same without Redis and ledger, and return the seconds that it took."""
    hour = datetime.fromtimestamp(bucket * product_views.bucket_seconds, UTC).replace(minute=0, second=0)
    began = time.perf_counter()
    with transaction.atomic():
        apply_views(hour, counts)
    return time.perf_counter() - began


def _row(name: str, ours: Sequence[float], floor: Sequence[float]) -> Row:
    beside = f"{_FLOOR} {number(median(floor))}"
    return row(name, median(ours), "s", beside, median_ratio(ours, floor), SECONDS)

"""The time of a claim by the size of the index; all indexes exist at the same time."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from statistics import median

from benchmarks.expiring.index import MEMBER_BYTES, drop
from benchmarks.harness.progress import say
from benchmarks.harness.room import room
from benchmarks.harness.rounds import interleaved, median_ratio
from benchmarks.harness.rows import Reach, Row, row
from caching.deadlines import Deadline, DeadlineFamily

GROWTH = Reach(2, at_least=False, unit="times")
_START = datetime(2026, 1, 1, tzinfo=UTC)
_STEP = timedelta(milliseconds=1)
_WARM_UP = 3


def rows(sizes: Sequence[int], batch: int, rounds: int) -> list[Row]:
    """Return the rows of claims of `batch` members each, with half of all members due. Raises NoRoom."""
    with _indexes(sizes) as families:
        for family in families.values():
            for _ in range(_WARM_UP):
                _claim(family, batch, family.count())
        counts = {name: family.count() for name, family in families.items()}
        took = interleaved([*families], rounds, lambda name: _claim(families[name], batch, counts[name]))
    first, last = (took[f"{size:,}"] for size in (sizes[0], sizes[-1]))
    each = [row(f"claim of {batch:,} from {name} members", median(ms), "ms") for name, ms in took.items()]
    return [*each, _growth(f"claim of {batch:,}", sizes[0], sizes[-1], median_ratio(last, first))]


def _growth(name: str, small: int, large: int, times: float) -> Row:
    logarithms = math.log2(large) / math.log2(small)
    what = f"{name}: {large:,} members to {small:,}"
    return row(what, times, "times", f"log ratio {logarithms:.2f}", times / logarithms, GROWTH)


def _claim(family: DeadlineFamily, batch: int, members: int) -> float:
    """Return the ms of a claim."""
    now = _START + members // 2 * _STEP
    began = time.perf_counter()
    claimed = family.due(batch, now)
    took = (time.perf_counter() - began) * 1000
    # The claim took the same number from each shard.
    assert len(claimed) == batch // family.shards * family.shards
    return took


@contextmanager
def _indexes(sizes: Sequence[int]) -> Iterator[dict[str, DeadlineFamily]]:
    """Yield indexes by their size, and remove them at the end."""
    families = {f"{size:,}": DeadlineFamily(f"members{size}") for size in sizes}
    with room(sum(sizes) * MEMBER_BYTES):
        try:
            for size, family in zip(sizes, families.values(), strict=True):
                say(f"an index of {size:,} members")
                family.schedule_many(_scattered(size))
            yield families
        finally:
            for family in families.values():
                drop(family)


def _scattered(size: int) -> Iterator[Deadline]:
    """Yield ids with evenly spaced deadlines in another order."""
    for id in range(1, size + 1):
        yield Deadline(_START + id * 7919 % size * _STEP, id)

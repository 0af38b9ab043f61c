"""The types of a flush: `Apply`, with which an app adds increments to its rows, and the statistics of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class Applied(NamedTuple):
    """What could not be applied: ids whose row is gone, and ids whose total has no room for the increment."""

    gone: frozenset[int] = frozenset()
    full: frozenset[int] = frozenset()


# Adds increments to the app's rows, given the hour that they belong to and the increments by id, sorted by id. Called
# inside the flush's transaction.
Apply = Callable[[datetime, Mapping[int, int]], Applied]


@dataclass(slots=True)
class FlushStats:
    """What a flush did.

    It applied `total` increments in `buckets`; `ids` sums the distinct ids of its transactions. Of the increments,
    `orphaned` had no row, `overflowed` had no room in their total, and `spilled` came from the spill. `poison` are
    fields that were no counter, `changed` are buckets that had changed after they were applied, and
    `backlog_seconds` is the age of the oldest bucket that waited.
    """

    ids: int = 0
    total: int = 0
    buckets: int = 0
    orphaned: int = 0
    overflowed: int = 0
    spilled: int = 0
    poison: int = 0
    changed: int = 0
    backlog_seconds: float = 0.0


def summed(parts: Mapping[int, Mapping[int, int]]) -> dict[int, int]:
    """Return the increments of several buckets by id, sorted, so that all flushes lock rows in one order."""
    sums: dict[int, int] = {}
    for counts in parts.values():
        for id, amount in counts.items():
            sums[id] = sums.get(id, 0) + amount
    return dict(sorted(sums.items()))


def share_of(counts: Mapping[int, int], ids: frozenset[int]) -> int:
    """Return the sum of the increments that belong to `ids`."""
    return sum(counts.get(id, 0) for id in ids)

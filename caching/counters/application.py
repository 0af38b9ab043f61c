"""What it means to apply increments to an app's rows, and what a flush did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class Applied(NamedTuple):
    """What could not be applied: ids whose row is gone, and ids whose total has no room for the increment."""

    gone: frozenset[int] = frozenset()
    full: frozenset[int] = frozenset()


# Applies increments by id, which come sorted, within one hour. Called inside the transaction.
Apply = Callable[[datetime, Mapping[int, int]], Applied]


@dataclass(slots=True)
class FlushStats:
    """What a flush did: distinct ids, increments and buckets applied; increments among them whose row is gone, whose
    total was full, and which came by the spill; fields that were no counter; buckets that had changed after they were
    applied; and the age in seconds of the oldest bucket it found waiting."""

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
    """Return how much of a bucket's increments belongs to some ids."""
    return sum(counts.get(id, 0) for id in ids)

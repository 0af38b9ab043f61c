"""Repair of an expiry index from its table: what is missing is entered, what is wrong is put right.

Two walks, each resumed where it stopped last time: over the table to find what the index lacks, over the
index to find what the table contradicts. A walk goes on while it keeps finding faults, so a wiped index is
filled in one run, and a healthy one of millions costs a bounded slice of each run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from caching.deadlines.index import DeadlineFamily
from caching.deadlines.table import Deadline, Truth
from caching.deadlines.walks import Page, Repair, enter_missing, sift

__all__ = ["Budget", "Deadline", "Repair", "Truth", "repair"]

# Rows of one page: one short statement and one short round trip.
PAGE = 1000


class Budget:
    """Whether a walk goes on: for `slice` seconds in any case, up to `limit` seconds while it finds faults."""

    def __init__(self, slice: float, limit: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        start = clock()
        self._slice, self._limit = start + slice, start + limit

    def allows(self, faults: int) -> bool:
        """Whether there is time for another page after one that had this many faults."""
        return self._clock() < (self._limit if faults else self._slice)


def repair(family: DeadlineFamily, truth: Truth, budget: Callable[[], Budget]) -> Repair:
    """Walk both ways, each within a budget of its own; return what was done. Raises when Redis is away."""
    done = Repair()
    done.removed += family.discard_foreign()
    if family.bookmark("table") is not None:
        # Wherever the walk stands: what falls due next matters most.
        done.entered += family.put_missing(truth.page(None, PAGE))
    for name, walk in (("table", enter_missing), ("index", sift)):
        done.complete &= not _go(family, name, budget(), partial(walk, family, truth, done, limit=PAGE))
    return done


def _go(family: DeadlineFamily, name: str, budget: Budget, walk: Callable[[str | None], Iterator[Page]]) -> bool:
    """Follow a walk from its bookmark to the end, then once from the start; say whether it stopped amid faults."""
    start = family.bookmark(name)
    for place in [start, None] if start is not None else [None]:
        for page in walk(place):
            family.set_bookmark(name, page.following)
            if page.following is not None and not budget.allows(page.faults):
                return page.faults > 0
    return False

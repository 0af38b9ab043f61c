"""Reconciles an expiry index with its table: enters what is missing and corrects what is wrong.

A repair makes two walks: over the table for what the index lacks, over the index for what the table contradicts. Each
resumes where the last repair stopped and continues while it finds faults. So a wiped index is filled in one run, and a
healthy one of millions costs a bounded slice of each run. A rebuild makes both walks to the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from caching.deadlines.index import DeadlineFamily
from caching.deadlines.table import DeadlineTable
from caching.deadlines.walks import Page, Repair, correct_wrong, enter_missing

# Rows of one page: one short statement and one short round trip.
PAGE = 1000
# Rows of one statement of a rebuild, and members of one scan of a shard: no request waits for them.
REBUILD_ROWS = 5000
REBUILD_MEMBERS = 4000


class Budget:
    """The time budget of a walk: `slice` seconds in any case, and up to `limit` seconds while it finds faults."""

    def __init__(self, slice: float, limit: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        start = clock()
        self._slice, self._limit = start + slice, start + limit

    def allows(self, faults: int) -> bool:
        """Return whether there is time for another page after one with this many faults."""
        return self._clock() < (self._limit if faults else self._slice)


def repair(family: DeadlineFamily, table: DeadlineTable, budget: Callable[[], Budget]) -> Repair:
    """Make both walks, each within a budget of its own; return what was done. Raises what is in `REDIS_ERRORS`."""
    done = Repair()
    done.removed += family.discard_foreign()
    if family.bookmark("table") is not None:
        # The deadlines that fall due next matter most, so they are checked in every run.
        done.entered += family.put_missing(table.page(None, PAGE))
    for name, walk in (("table", enter_missing), ("index", correct_wrong)):
        done.complete &= not _resume(family, name, budget(), partial(walk, family, table, done, limit=PAGE))
    return done


def rebuild(family: DeadlineFamily, table: DeadlineTable, advance: Callable[[int], None] = lambda rows: None) -> Repair:
    """Enter every deadline that the index lacks, then correct every member that the table contradicts.

    It overwrites nothing that is written meanwhile. `advance` is called with the number of rows of each page. Raises
    what is in `REDIS_ERRORS`. It is idempotent, so after an error call it again.
    """
    done = Repair()
    done.removed += family.discard_foreign()
    for page in enter_missing(family, table, done, None, REBUILD_ROWS):
        advance(page.size)
    for _ in correct_wrong(family, table, done, None, REBUILD_MEMBERS):
        pass
    return done


def _resume(family: DeadlineFamily, name: str, budget: Budget, walk: Callable[[str | None], Iterator[Page]]) -> bool:
    """Resume a walk at its bookmark, then walk once from the start; return whether time ran out amid faults."""
    start = family.bookmark(name)
    for place in [start, None] if start is not None else [None]:
        for page in walk(place):
            family.set_bookmark(name, page.following)
            if page.following is not None and not budget.allows(page.faults):
                return page.faults > 0
    return False

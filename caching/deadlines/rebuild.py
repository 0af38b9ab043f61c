"""Rebuilding an expiry index from its table in one go: after it was wiped, restored, or given other shards."""

from __future__ import annotations

from collections.abc import Callable

from caching.deadlines.index import DeadlineFamily
from caching.deadlines.table import Truth
from caching.deadlines.walks import Repair, enter_missing, sift

# Rows of one statement, and members of one look at a shard: nobody waits for them.
ROWS = 5000
MEMBERS = 4000


def rebuild(family: DeadlineFamily, truth: Truth, advance: Callable[[int], None] = lambda rows: None) -> Repair:
    """Enter every deadline that the index lacks, then put right every member that the table contradicts.

    Whoever writes meanwhile is left alone: nothing newer is overwritten. `advance` is told how many rows of the table
    each page had. Raises when Redis is away; then, begin again: what is there already costs little.
    """
    done = Repair()
    done.removed += family.discard_foreign()
    for page in enter_missing(family, truth, done, None, ROWS):
        advance(page.size)
    for _ in sift(family, truth, done, None, MEMBERS):
        pass
    return done

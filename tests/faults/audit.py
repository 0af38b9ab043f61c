"""The audit of the views: where each accepted view is, read from PostgreSQL and Redis directly.

It does not use the code under test, so it cannot have the same errors.
"""

from __future__ import annotations

from typing import NamedTuple

import redis
from django.db import connection

from caching.counters.family import CounterFamily
from caching.keys import prefix
from caching.redis.connections import client
from products.cache import product_views

# One statement, so that all sums are of one snapshot, whatever commits meanwhile.
_BOOKS = """
    SELECT (SELECT coalesce(sum(views), 0) FROM products_productviews)::bigint,
           (SELECT coalesce(sum(views), 0) FROM products_productviewshour)::bigint,
           coalesce(sum(ledger.total), 0)::bigint,
           coalesce(sum(ledger.orphaned), 0)::bigint,
           (SELECT coalesce(sum(amount), 0) FROM caching_counterspill WHERE family = %(family)s)::bigint,
           (SELECT coalesce(sum(value::bigint), 0) FROM caching_counterfield
            WHERE family = %(family)s AND reason = 'overflow')::bigint,
           coalesce(array_agg(ledger.shard || ':' || ledger.bucket), '{}')
    FROM caching_counterbucket AS ledger WHERE ledger.family = %(family)s
"""


class Books(NamedTuple):
    """How many views are where.

    `applied` are in the totals, and so in the sums of the `hours` and of the `ledger`. `waiting` are in buckets that
    are not in the ledger, `spilled` in the spill. `orphaned` had no product, `overflowed` had no room in a total.
    """

    applied: int
    hours: int
    ledger: int
    waiting: int
    spilled: int
    orphaned: int
    overflowed: int

    @property
    def pending(self) -> int:
        return self.waiting + self.spilled

    @property
    def all(self) -> int:
        return self.applied + self.pending + self.orphaned + self.overflowed


def read_books(family: CounterFamily = product_views, state: redis.Redis | None = None) -> Books:
    """Read the books while nothing is counted; `state` is the Redis that counts, if it is not the test's own.

    Only buckets in the index count as waiting, because no flush would find any other.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BOOKS, {"family": family.name})
        applied, hours, ledger, orphaned, spilled, overflowed, known = cursor.fetchone()
    # Read after the ledger: a bucket that is deleted in between was in the ledger.
    held = _buckets(family, client("state") if state is None else state)
    waiting = sum(amount for bucket, amount in held.items() if bucket not in known)
    return Books(applied, hours, ledger, waiting, spilled, orphaned, overflowed)


def pending(family: CounterFamily = product_views, state: redis.Redis | None = None) -> int:
    """Return how many views are not in the totals yet."""
    return read_books(family, state).pending


def balance(
    accepted: int,
    *,
    opening: int = 0,
    deleted: int = 0,
    family: CounterFamily = product_views,
    state: redis.Redis | None = None,
) -> Books:
    """Assert that each accepted view is in one place, and return the books.

    `opening` is the sum of the totals before anything was counted, and `deleted` how many applied views were deleted
    with their products.
    """
    books = read_books(family, state)
    assert books.all - opening + deleted == accepted, f"{accepted} were accepted: {books}"
    assert books.hours == books.applied - opening, f"the hours hold another sum than the totals: {books}"
    left_out = books.orphaned + books.overflowed
    assert books.ledger == books.applied - opening + deleted + left_out, f"the ledger holds another sum: {books}"
    return books


def settle(accepted: int, *, opening: int = 0, deleted: int = 0, state: redis.Redis | None = None) -> Books:
    """Assert that the books balance and that nothing waits any more."""
    books = balance(accepted, opening=opening, deleted=deleted, state=state)
    assert books.pending == 0, f"something waits still: {books}"
    return books


def _buckets(family: CounterFamily, state: redis.Redis) -> dict[str, int]:
    """Return the sums of the buckets in Redis by shard:number."""
    found: dict[str, int] = {}
    for shard in range(family.shards):
        tag = f"{prefix()}:n:{{{family.name}:{shard}}}:"
        for name in state.zrange(f"{tag}buckets", 0, -1):
            found[f"{shard}:{int(name)}"] = sum(map(int, state.hvals(f"{tag}b:{int(name)}")))
    return found

"""The time of a run of the job for the offers of an ordinary minute, beside the UPDATE alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median

from django.db import connection

from benchmarks.expiring.expired import not_once
from benchmarks.expiring.market import Ends, Market
from benchmarks.harness.rounds import interleaved, median_ratio
from benchmarks.harness.rows import Reach, Row, number, row
from caching.deadlines import Deadline
from caching.jobs import WorkBudget
from offers.clock import database_now
from offers.deadlines import offer_deadlines
from offers.sweep import ExpiryStats, expire_due

MS = Reach(50, at_least=False, unit="ms")
_OURS, _FLOOR = "expire_due", "a bare UPDATE"
_UPDATE = """
    UPDATE offers_offer SET status = 'expired', closed_at = expires_at
    WHERE id IN (
        SELECT id FROM offers_offer WHERE status = 'active' AND expires_at <= (SELECT clock_timestamp())
        ORDER BY expires_at, id LIMIT %s FOR UPDATE SKIP LOCKED
    )
"""


def rows(market: Market, count: int, rounds: int) -> list[Row]:
    """Return the rows of that many due offers, all of them in the index."""
    turns = _Turns(market, count)
    ways: dict[str, Callable[[list[Deadline]], None]] = {_OURS: _expire, _FLOOR: _update}
    for way in ways.values():
        turns.take(way)
    took = interleaved([*ways], rounds, lambda way: turns.take(ways[way]))
    ours, floor = (took[way] for way in ways)
    name = f"{count:,} due offers"
    wrong = not_once(turns.expired)
    said = f"{_FLOOR} {number(median(floor))}"
    return [
        row(f"{name}: expired", median(ours), "ms", said, median_ratio(ours, floor), MS),
        Row(f"{name}: not expired once", wrong, "", f"{len(turns.expired):,} offers", None, "0", not wrong),
    ]


class _Turns:
    """Makes offers that have just fallen due, once for each turn: by all buyers, on one product."""

    def __init__(self, market: Market, count: int) -> None:
        self.expired: list[int] = []
        self._market = market
        self._count = count
        self._products = market.take(-(-count // len(market.buyers)))

    def take(self, way: Callable[[list[Deadline]], None]) -> float:
        """Return the ms that one way takes."""
        ends = Ends(self._count, database_now(), timedelta(0), due=self._count)
        made = self._market.offers(self._products, ends)
        self.expired += [deadline.id for deadline in made] if way is _expire else []
        if way is _expire:
            offer_deadlines.schedule_many(made)
        began = time.perf_counter()
        way(made)
        return (time.perf_counter() - began) * 1000


def _expire(_: list[Deadline]) -> None:
    expire_due(ExpiryStats(), WorkBudget(60, 10_000, 0))


def _update(made: list[Deadline]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, [len(made)])

"""Offers: the rate of expiry and its effect on the API, the lateness of marks, and the rebuild of the index.

The floor is the least work for PostgreSQL on the same rows: one guarded UPDATE, without events or index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db import DatabaseError
from redis import RedisError

from benchmarks.expiring import claims, effect, few, late, many, whole
from benchmarks.expiring.index import drop
from benchmarks.expiring.late import Schedule
from benchmarks.expiring.market import Ends, Market, make_market
from benchmarks.harness.child import ChildFailed
from benchmarks.harness.room import NoRoom
from benchmarks.harness.rows import Row
from benchmarks.harness.server import ServerFailed
from benchmarks.harness.service import ServiceFailed
from offers.clock import database_now
from offers.deadlines import offer_deadlines
from offers.expiration import process_expired_offers
from offers.overdue import overdue

# Offers that do not fall due during the run end after this time, within as long again.
_LATER = timedelta(days=2)
_SPREAD = timedelta(days=20)
# Products beside those of the bulk of offers.
_SPARE = 100


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured: offers, the due ones among them, the seconds over which these ended, and their buyers;
    offers of an ordinary run and its rounds; members of indexes and rounds of claims; offers that are read or accepted
    at their ends; runs by beat to wait for, or without beat the period and number of orders; the API's products and
    seconds of a turn; seconds of trading alone."""

    offers: int = 3_000_000
    due: int = 1_000_000
    due_seconds: float = 0
    buyers: int = 1_000
    few: int = 1_000
    rounds: int = 21
    indexes: tuple[int, ...] = (10_000, 100_000, 1_000_000, 3_000_000)
    claims: int = 201
    ends: int = 300
    beats: int = 2
    orders: tuple[float, int] = (2, 4)
    asked: int = 200
    turn_seconds: float = 1
    alone_seconds: float = 5

    @property
    def products(self) -> int:
        """Products of the bulk of offers: each pair of a buyer and a product has one."""
        return -(-self.offers // self.buyers)


FULL = Scale()
QUICK = Scale(
    offers=100_000, due=30_000, buyers=500, few=1_000, rounds=7, indexes=(10_000, 100_000), claims=101, ends=100,
    beats=0, turn_seconds=0.3, alone_seconds=2,
)  # fmt: skip


def run(*, quick: bool) -> list[Row]:
    """Return all rows."""
    return measure(QUICK if quick else FULL)


def measure(scale: Scale) -> list[Row]:
    """Measure what needs few offers, then make many, and measure the rest on them."""
    market = make_market(scale.buyers, scale.products + scale.ends + _SPARE)
    try:
        found = [*_all(_before(scale, market))]
        # Offers that are still due would later count as touched.
        while overdue().count:
            process_expired_offers()
        products, step, over = market.take(scale.products), _SPREAD / scale.offers, timedelta(seconds=scale.due_seconds)
        ends = Ends(scale.offers, database_now() + _LATER, step, scale.due, over)
        market.many(products, ends)
        return [*found, *_all(_after(scale, market, ends, products[: scale.asked]))]
    finally:
        drop(offer_deadlines)


Parts = dict[str, Callable[[], list[Row]]]


def _before(scale: Scale, market: Market) -> Parts:
    return {
        "claims": lambda: claims.rows(scale.indexes, scale.few, scale.claims),
        "around their ends": lambda: effect.rows(market, scale.ends),
        "mark of expiry": lambda: late.rows(market, _schedule(scale)),
    }


def _after(scale: Scale, market: Market, ends: Ends, asked: list[int]) -> Parts:
    return {
        "rebuild": lambda: whole.rows(market, ends.count, scale.alone_seconds),
        "many due": lambda: many.rows(ends, asked, scale.turn_seconds),
        "few due": lambda: few.rows(market, scale.few, scale.rounds),
    }


def _schedule(scale: Scale) -> Schedule:
    return late.by_beat(scale.beats) if scale.beats else late.by_order(*scale.orders)


def _all(parts: Parts) -> Iterator[Row]:
    for name, part in parts.items():
        yield from attempted(name, part)


def attempted(name: str, measure: Callable[[], list[Row]]) -> Iterator[Row]:
    """Yield the rows, or one with the reason why there are none."""
    try:
        yield from measure()
    except (ChildFailed, DatabaseError, NoRoom, RedisError, ServerFailed, ServiceFailed) as error:
        yield Row(name, 0.0, "", str(error), None, "measured", False)

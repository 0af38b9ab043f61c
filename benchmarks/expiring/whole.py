"""Rebuilds the index of all offers from the table while others trade."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from benchmarks.expiring.index import MEMBER_BYTES, differences, drop
from benchmarks.expiring.market import Market
from benchmarks.harness.child import Child, child
from benchmarks.harness.progress import Progress, say
from benchmarks.harness.room import room
from benchmarks.harness.rows import Reach, Row, number, row
from caching.deadlines import rebuild
from offers.deadlines import active_offers, offer_deadlines

SECONDS = Reach(60, at_least=False, unit="s")
# Products and offers to act on: more than are used.
_PRODUCTS, _OFFERS = 50, 60_000
_LONG_SECONDS = 3600.0
# Offers that do not fall due meanwhile, scattered over the table.
_SOME = """
    SELECT id, buyer_id FROM offers_offer
    WHERE status = 'active' AND expires_at > clock_timestamp() + interval '1 hour'
    ORDER BY hashint8(id) LIMIT %s
"""


def rows(market: Market, count: int, alone_seconds: float) -> list[Row]:
    """Return the rows of an index of that many offers. Raises NoRoom."""
    drop(offer_deadlines)
    with room(count * MEMBER_BYTES), child("expiring", "trade") as traders:
        traders.order(_first_order(market))
        traders.answer()
        traders.order({"seconds": alone_seconds})
        alone = traders.answer()
        progress = Progress("deadlines entered", count)
        with _trading(traders) as beside:
            began = time.perf_counter()
            rebuild(offer_deadlines, active_offers, progress.advance)
            seconds = time.perf_counter() - began
        members = offer_deadlines.count()
        say("comparing index and table")
        wrong = differences()
    name = f"rebuild of {count:,} deadlines"
    rates = [each["rows"] / each["seconds"] for each in (beside, alone)]
    return [
        row(name, seconds, "s", f"{members / seconds:,.0f} members a second", None, SECONDS),
        row(f"{name}: rows written meanwhile", rates[0], "1/s", f"without {number(rates[1])}", rates[0] / rates[1]),
        Row(f"{name}: index and table differ in", wrong, "", f"{members:,} members", None, "0", not wrong),
    ]


def _first_order(market: Market) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(_SOME, [_OFFERS])
        offers = cursor.fetchall()
    return {"seller": market.seller, "buyers": market.buyers, "products": market.take(_PRODUCTS), "offers": offers}


@contextmanager
def _trading(traders: Child) -> Iterator[dict[str, float]]:
    """Trade while the block runs, and then report how much."""
    done: dict[str, float] = {}
    traders.order({"seconds": _LONG_SECONDS})
    yield done
    traders.ask()
    done.update(traders.answer())

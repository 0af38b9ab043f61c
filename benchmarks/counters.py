"""Counters: the cost of a view, sustained load, flushes, the drain of a backlog, and that no view is lost.

Floors are the least work for the same servers: a bare HINCRBY, or the statement that applies counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from redis import RedisError

from benchmarks.counting import alone, backlog, large, load, traced
from benchmarks.counting.catalogue import make_products, warm
from benchmarks.harness.child import ChildFailed
from benchmarks.harness.room import NoRoom
from benchmarks.harness.rows import Row
from benchmarks.harness.server import ServerFailed
from products.replay.trace import TraceError


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured: products, and those that are viewed; calls of a turn and turns of one client; clients and
    seconds of sustained load; rounds of large flushes; views of the trace; buckets of the backlog, and the seconds of
    a turn of the API beside it."""

    products: int = 50_000
    viewed: int = 20_000
    calls: int = 300
    rounds: int = 61
    clients: int = 3
    seconds: float = 60
    floor_seconds: float = 5
    flushes: int = 5
    trace: int | None = None
    buckets: int = 900
    asked: int = 200
    turn_seconds: float = 1


FULL = Scale()
QUICK = Scale(calls=200, rounds=21, seconds=20, floor_seconds=2, flushes=2, buckets=30, turn_seconds=0.3)


def run(*, quick: bool) -> list[Row]:
    """Return all rows."""
    return measure(QUICK if quick else FULL)


def measure(scale: Scale) -> list[Row]:
    """Create one catalogue, and measure everything on it."""
    ids = make_products(scale.products)
    viewed = ids[: scale.viewed]
    warm(viewed)
    return [row for name, part in _parts(scale, ids, viewed).items() for row in attempted(name, part)]


def _parts(scale: Scale, ids: list[int], viewed: list[int]) -> dict[str, Callable[[], list[Row]]]:
    return {
        "one client": lambda: alone.rows(viewed, scale.calls, scale.rounds),
        "sustained": lambda: load.rows(viewed, scale.clients, scale.seconds, scale.floor_seconds),
        "large flush": lambda: large.rows(ids, scale.flushes),
        "trace": lambda: traced.rows(ids, scale.trace),
        "backlog": lambda: backlog.rows(ids, scale.buckets, ids[: scale.asked], scale.turn_seconds),
    }


def attempted(name: str, measure: Callable[[], list[Row]]) -> Iterator[Row]:
    """Yield the rows, or one with the reason why there are none."""
    try:
        yield from measure()
    except (ChildFailed, NoRoom, ServerFailed, TraceError, RedisError) as error:
        yield Row(name, 0.0, "", str(error), None, "measured", False)

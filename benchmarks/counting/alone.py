"""One client: `increment_view` beside a bare HINCRBY over the same connection, and one by redis-py."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.counting.draws import draw
from benchmarks.counting.sums import everywhere, exactness
from benchmarks.counting.views_act import FLOOR, OURS, WAYS
from benchmarks.harness.rounds import interleaved, median_ratio, percentile
from benchmarks.harness.rows import Reach, Row, number, row
from benchmarks.reads import raw
from caching.redis import key_prefix

P99_MS = Reach(2, at_least=False, unit="ms")
RATE = Reach(0.8, at_least=True)
REDIS_PY = "redis-py's hincrby"


@dataclass(frozen=True, slots=True)
class Turn:
    """A series of calls: the ms of each, and calls a second."""

    times: list[float]
    per_second: float


def rows(ids: Sequence[int], calls: int, rounds: int) -> list[Row]:
    """Return the rows of products whose live counts are known."""
    drawn, before, ways = draw(ids, calls, seed=4), everywhere(), _ways()
    for call in ways.values():
        _turn(call, drawn)
    turns = interleaved([*ways], rounds, lambda way: _turn(ways[way], drawn))
    times = {way: [ms for turn in each for ms in turn.times] for way, each in turns.items()}
    beside = f"{FLOOR} {number(percentile(times[FLOOR], 0.99))}"
    ratio = percentile(times[OURS], 0.99) / percentile(times[FLOOR], 0.99)
    return [
        row("one client: p99 of increment_view", percentile(times[OURS], 0.99), "ms", beside, ratio, P99_MS),
        _rate(f"{FLOOR}, same connection", turns[OURS], turns[FLOOR], RATE),
        _rate(REDIS_PY, turns[OURS], turns[REDIS_PY]),
        exactness("one client", calls * (rounds + 1), before),
    ]


def _ways() -> dict[str, Callable[[int], Any]]:
    client, key = raw.client(), f"{key_prefix()}:floor"

    def by_redis_py(id: int) -> Any:
        return client.hincrby(f"{key}:{id & 3}", id, 1)

    return {**WAYS, REDIS_PY: by_redis_py}


def _turn(call: Callable[[int], Any], ids: Sequence[int]) -> Turn:
    times, clock = [], time.perf_counter
    # Each way leaves garbage, which must not be collected in the turn of another.
    gc.collect()
    start = clock()
    for id in ids:
        began = clock()
        call(id)
        times.append((clock() - began) * 1000)
    return Turn(times, len(ids) / (clock() - start))


def _rate(beside: str, ours: Sequence[Turn], theirs: Sequence[Turn], reach: Reach | None = None) -> Row:
    mine, other = ([turn.per_second for turn in turns] for turns in (ours, theirs))
    said = f"{beside} {number(median(other))}"
    return row(f"one client: rate beside {beside}", median(mine), "1/s", said, median_ratio(mine, other), reach)

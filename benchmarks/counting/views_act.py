"""In a process of its own: one client counts views at full speed, by `increment_view` or by a bare HINCRBY."""

from __future__ import annotations

import gc
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from typing import Any

from redis.exceptions import RedisError

from benchmarks.counting.draws import draw
from benchmarks.harness.rounds import percentile
from caching import IncrementRefused
from caching.redis import key_prefix, may_have_run, pool
from caching.redis.scripts import Command
from products.cache import product_views
from products.view_counts import increment_view

OURS, FLOOR = "increment_view", "HINCRBY"
MARK_SECONDS = 0.1
_DRAWN = 200_000

Order = dict[str, Any]


def views(orders: Iterator[Order]) -> Iterator[Any]:
    """Receive the products, then orders: which way to count, from when and for how long."""
    yield "ready"
    given = next(orders)
    drawn = draw(given["ids"], _DRAWN, given["seed"])
    gc.collect()
    gc.freeze()
    yield "drawn"
    for order in orders:
        yield _count(WAYS[order["way"]], drawn, order["start"], order["seconds"])


def bare_hincrby(id: int) -> Any:
    """Count by the cheapest command, over the connection that ours uses."""
    return pool("state").call([Command(("HINCRBY", f"{key_prefix()}:floor:{id & 3}", id, 1))])


WAYS: dict[str, Callable[[int], Any]] = {OURS: increment_view, FLOOR: bare_hincrby}


def _count(call: Callable[[int], Any], drawn: Sequence[int], start: float, seconds: float) -> dict[str, Any]:
    """Return the numbers of views accepted and refused, two percentiles of their ms, and for every tenth of a second
    the views of each shard accepted by then."""
    time.sleep(max(0.0, start - time.monotonic()))
    clock, end, shards = time.monotonic, start + seconds, product_views.shards
    took, accepted = array("d"), [0] * shards
    marks, due = [(start, accepted.copy())], start + MARK_SECONDS
    lost: list[Any] = []
    for id in cycle(drawn):
        began = clock()
        if began >= due:
            marks.append((began, accepted.copy()))
            due = began + MARK_SECONDS
        if began >= end:
            break
        try:
            call(id)
        except IncrementRefused as refusal:
            lost.append(refusal.__cause__)
            continue
        except RedisError as error:
            lost.append(error)
            continue
        took.append((clock() - began) * 1000)
        accepted[id % shards] += 1
    return {
        "accepted": len(took),
        "unknown": sum(map(may_have_run, lost)),
        "refused": sum(not may_have_run(error) for error in lost),
        "seconds": clock() - start,
        "p50": percentile(took, 0.5),
        "p99": percentile(took, 0.99),
        "marks": [*marks, (clock(), accepted)],
    }

"""A lease holder that is killed, a Redis that is frozen, and a namespace of many keys that is cleared."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median
from typing import Any

import redis

from benchmarks.harness.rounds import median_ratio
from benchmarks.harness.rows import Reach, Row, number, row
from benchmarks.libraries.launch import Launcher, PeerFailed, launcher
from benchmarks.libraries.ours import Ours
from benchmarks.libraries.own_servers import NoServer
from benchmarks.reads.child import child
from caching.keys import KeySpace

CLEAR_MS = Reach(5, at_least=False, unit="ms")
FROZEN_SECONDS = Reach(0.5, at_least=False, unit="s")
LEASE_SECONDS = Reach(5, at_least=False, unit="s")
_PATIENCE_SECONDS = 30.0


def holder(*, measured: bool) -> list[Row]:
    """Kill the holder of a lease during its load, while another process waits for it."""
    name = f"killed lease holder, {'its loads measured' if measured else 'no load measured yet'}"
    with _place() as launched, child("reader", launched) as first, child("reader", launched) as second:
        for each in (first, second):
            each.answer()
        if measured:
            first.order(1)
            first.answer()
        second.order(3)
        second.answer()
        began = _tally(launched)
        first.order("hang")
        _until(lambda: _tally(launched) > began)
        second.order(2)
        client = redis.Redis.from_url(launched.place.redis_url)
        _until(lambda: client.info("clients")["blocked_clients"] > 0)
        lease_ms = client.pttl(KeySpace("laws_things").lease(2))
        first.kill()
        killed = time.perf_counter()
        _until(lambda: _tally(launched) > began + 1)
        seconds = time.perf_counter() - killed
        second.answer()
    return [row(f"{name}: next load", seconds, "s", f"lease had {lease_ms / 1000:.2f} s left", None, LEASE_SECONDS)]


def frozen() -> list[Row]:
    """Stop Redis, read ten warm keys, and continue it."""
    with _place(timeout=None) as launched, child("frozen", launched) as process:
        found = process.answer()
    reads, answered = found["hits"], found["answered"]
    whole = reads == answered == found["loads"]
    timeout = "one timeout of 0.25 s"
    return [
        row(f"frozen Redis: {reads} reads", found["seconds"], "s", timeout, None, FROZEN_SECONDS),
        Row("frozen Redis: answered from PostgreSQL", answered, "reads", f"{reads} hits before", None, "all", whole),
        row("thawed Redis: until all are hits again", found["again"], "s", "a probe every 1 s"),
    ]


def clear(keys: int) -> list[Row]:
    """Clear a namespace of many keys."""
    with _place(keys=keys) as launched, child("clear", launched) as process:
        found = process.answer()
    beside = f"SET {number(median(found['set_ms']))}"
    ratio = median_ratio(found["ms"], found["set_ms"])
    took = row(f"clear of {found['keys']:,} keys", median(found["ms"]), "ms", beside, ratio, CLEAR_MS)
    return [took, Row("clear: hits that became misses", float(found["cleared"]), "", "", None, "all", found["cleared"])]


def attempted(name: str, measure: Callable[[], list[Row]]) -> list[Row]:
    """Return the rows, or one with the reason why there are none."""
    try:
        return measure()
    except (PeerFailed, NoServer) as error:
        return [Row(name, 0.0, "", str(error), None, "measured", False)]


def _place(**asked: Any) -> AbstractContextManager[Launcher]:
    return launcher(Ours, sys.executable, **{"keys": 0, **asked})


def _tally(launched: Launcher) -> int:
    tally = Path(launched.place.tally)
    return tally.stat().st_size if tally.exists() else 0


def _until(condition: Callable[[], bool]) -> None:
    """Wait for a condition. Raises PeerFailed."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise PeerFailed(f"nothing happened for {_PATIENCE_SECONDS:.0f} s")
        time.sleep(0.002)

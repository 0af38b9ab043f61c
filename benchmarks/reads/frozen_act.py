"""In a process of its own: Redis is frozen, ten warm keys are read, and Redis is continued."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import orjson

from benchmarks.libraries.orm import change_row
from benchmarks.libraries.ours_source import LOADER, THINGS
from benchmarks.libraries.peer import Place
from caching import State, fetch

READS = 10
GIVE_UP_SECONDS = 15.0
_IDS = range(1, READS + 1)


def frozen() -> Iterator[dict[str, Any]]:
    """Yield one outcome: seconds of the reads, loads, the number of answers that can only come from PostgreSQL, and
    seconds from SIGCONT until all are hits again."""
    place = Place.here()
    for id in _IDS:
        fetch(THINGS, id)
        # Past the cache, so that the version in an answer shows where it came from.
        change_row(place.database_url, id, 2)
    hits = sum(fetch(THINGS, id).state is State.HIT for id in _IDS)
    before = LOADER.loads()
    os.kill(place.redis_pid, signal.SIGSTOP)
    try:
        began = time.perf_counter()
        answers = [fetch(THINGS, id).body for id in _IDS]
        seconds = time.perf_counter() - began
        loads = LOADER.loads() - before
    finally:
        os.kill(place.redis_pid, signal.SIGCONT)
    thawed = time.perf_counter()
    while time.perf_counter() < thawed + GIVE_UP_SECONDS and not _all_hits():
        time.sleep(0.001)
    yield {
        "hits": hits,
        "seconds": seconds,
        "answered": sum(orjson.loads(body)["version"] == 2 for body in answers if body),
        "loads": loads,
        "again": time.perf_counter() - thawed,
    }


def _all_hits() -> bool:
    return all(fetch(THINGS, id).state is State.HIT for id in _IDS)

"""In a process of its own: clears a namespace of many keys repeatedly."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from benchmarks.libraries import raw_redis
from benchmarks.libraries.ours_source import THINGS
from benchmarks.libraries.peer import Place
from benchmarks.reads import raw
from caching import State, fetch
from caching.keys import KeySpace

_ID, _ROUNDS = 777, 15


def clear() -> Iterator[dict[str, Any]]:
    """Yield one outcome: milliseconds of each clear and of a SET by redis-py, and whether each made a hit a miss."""
    place, client, spare = Place.here(), raw.client(), KeySpace("spare").generation
    raw_redis.fill(raw_redis.connect(place), KeySpace("laws_things").entry(_ID).encode(), _ID, place.keys)
    ours, beside, cleared = [], [], []
    for _ in range(_ROUNDS):
        fetch(THINGS, _ID)
        hit = fetch(THINGS, _ID).state is State.HIT
        began = time.perf_counter()
        THINGS.store.clear()
        middle = time.perf_counter()
        client.set(spare, 1)
        ended = time.perf_counter()
        ours.append((middle - began) * 1000)
        beside.append((ended - middle) * 1000)
        cleared.append(hit and fetch(THINGS, _ID).state is State.MISS)
    yield {"keys": client.dbsize(), "ms": ours, "set_ms": beside, "cleared": all(cleared)}

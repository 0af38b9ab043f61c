"""Reading one entry: the read-through state machine.

    fresh      answer it
    stale      answer it; whoever gets the lease sends one task that refreshes it
    negative   there is no such row; answer that
    missing    take the lease, load, fill, answer
    waiting    somebody else holds the lease: look again until it is there, for at most `policy.wait`
    refused    waited in vain, or an invalidation came between: load and answer, store nothing
    degraded   Redis does not answer: load and answer
"""

from __future__ import annotations

import contextlib
import enum
from typing import NamedTuple

from caching import metrics
from caching.connections import RedisUnavailable
from caching.counters import CounterFamily
from caching.entry import Entry
from caching.keys import Id
from caching.load import load_and_fill, may_fill
from caching.refresh import refresh_later
from caching.source import Source
from caching.store import Reading, StoreUnavailable
from caching.waiting import wait_for


class State(enum.StrEnum):
    """Where an answer came from, in the words of the Cache-Status header."""

    HIT = "hit"
    STALE = "stale"
    MISS = "miss"


class Found(NamedTuple):
    """An answer: the body (None if there is no such row), its state, and the live count if it was asked for."""

    body: bytes | None
    state: State
    live: int


def fetch(source: Source, id: Id, family: CounterFamily | None = None, amount: int = 0) -> Found:
    """Return one entry, read through. With a `family`, count `amount` in the same round trip.

    A row that does not exist is not counted.
    """
    also = family.also_count(id, amount) if family else None
    try:
        reading = source.store.read([id], also)
    except StoreUnavailable:
        return _degraded(source, id, family, amount)
    if family is not None and reading.also is None:
        return _degraded(source, id, family, amount)
    live = _live(reading)
    uncounted = 0 if live is not None else amount
    entry = reading.entries.get(id)
    if entry is None:
        return _missing(source, id, reading, family, live, uncounted)
    state = State.HIT if entry.is_fresh(source.store.clock()) else State.STALE
    metrics.READS.labels(source.policy.namespace, state).inc()
    if state is State.STALE:
        refresh_later(source, _lease(source, id, background=True), reading.generation)
    return _answer(source, id, entry, state, family, live, uncounted)


def _missing(
    source: Source, id: Id, reading: Reading, family: CounterFamily | None, live: int | None, amount: int
) -> Found:
    """Load under the lease, or wait for whoever has it. `amount` is what is still to be counted."""
    metrics.READS.labels(source.policy.namespace, State.MISS).inc()
    tokens = _lease(source, id) if reading.reachable else {}
    if not tokens and reading.reachable and may_fill() and (entry := wait_for(source, [id]).get(id)) is not None:
        if live is None and family is not None and not entry.negative:
            # Whoever filled it has seeded its live count too, so this asks the database nothing.
            live, amount = _count(family, id, amount)
        return _answer(source, id, entry, State.MISS, family, live, amount)
    uncounted = [id] if family is not None else []
    loaded = load_and_fill(source, [id], tokens, reading.generation, family, uncounted, amount)
    return Found(loaded.load.bodies.get(id), State.MISS, loaded.counts.get(id, 0))


def _answer(
    source: Source, id: Id, entry: Entry, state: State, family: CounterFamily | None, live: int | None, amount: int
) -> Found:
    """Answer an entry; if its live count is not known, ask the database for the total and count `amount`."""
    if entry.negative:
        if live is not None and family is not None:
            # Seeded by a read that a deletion overtook; it would go on counting what does not exist.
            _forget(family, id)
        return Found(None, state, 0)
    if live is None and family is not None:
        live = load_and_fill(source, [], {}, 0, family, [id], amount).counts.get(id, 0)
    return Found(entry.body, state, live or 0)


def _degraded(source: Source, id: Id, family: CounterFamily | None, amount: int) -> Found:
    """Answer from the database. The view is refused: after a lost reply it may have been counted already."""
    metrics.READS.labels(source.policy.namespace, State.MISS).inc()
    load = source.loader([id])
    if family is not None and amount and id in load.bodies:
        metrics.VIEWS_REFUSED.labels(family.name).inc(amount)
    return Found(load.bodies.get(id), State.MISS, load.totals.get(id, 0))


def _count(family: CounterFamily, id: Id, amount: int) -> tuple[int | None, int]:
    """Count, and return the live count with what is still to be counted."""
    try:
        live = family.increment(int(id), amount)
    except RedisUnavailable:
        metrics.VIEWS_REFUSED.labels(family.name).inc(amount)
        return None, 0
    return live, amount if live is None else 0


def _forget(family: CounterFamily, id: Id) -> None:
    with contextlib.suppress(*RedisUnavailable):
        family.forget([int(id)])


def _live(reading: Reading) -> int | None:
    """Return the live count that rode along: a number from a count, bytes from a look-up, None if not known."""
    answer = reading.also[0] if reading.also else None
    if isinstance(answer, bytes):
        return int(answer) if answer.isdigit() else None
    return answer


def _lease(source: Source, id: Id, background: bool = False) -> dict[Id, str]:
    if not may_fill():
        return {}
    try:
        return source.store.lease([id], background=[id] if background else ())
    except StoreUnavailable:
        return {}


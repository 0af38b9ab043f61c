"""Reading one entry: the read-through state machine.

    fresh      answer it
    stale      answer it; whoever gets the lease sends one task that refreshes it
    early      there seems to be no worker: a reader refreshes what is stale, or by chance what soon will be
    negative   there is no such row; answer that
    missing    take the lease, load, fill, answer
    waiting    somebody else holds the lease: be woken when it ends, for at most `policy.wait`
    refused    waited in vain, or an invalidation came between: load and answer, store nothing
    backed off the loader has just failed: raise LoaderBackedOff
    degraded   Redis does not answer: load and answer

`look` is the one round trip of every read; `settle` is everything that may follow.
"""

from __future__ import annotations

import contextlib
import enum
import logging
from collections.abc import Iterator
from typing import NamedTuple

from caching import metrics
from caching.counters import spill
from caching.counters.family import CounterFamily, Visit, live_count
from caching.counters.refusals import refuse
from caching.entries.entry import Entry
from caching.entries.read_result import Reading
from caching.entries.store import Leases
from caching.errors import StoreUnavailable
from caching.keys import Id
from caching.readthrough.load import load_and_fill, may_fill, respect_backoff, spilled
from caching.readthrough.refresh import background_lease, refresh_later
from caching.readthrough.source import Source
from caching.readthrough.waiting import Turn, take_turn
from caching.readthrough.workers import worker_health
from caching.readthrough.xfetch import should_refresh_early
from caching.redis.errors import REDIS_ERRORS, may_have_run

logger = logging.getLogger(__name__)

_UNCOUNTED = "%s %s is answered without its count"


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


class Look(NamedTuple):
    """What one round trip said of an entry. `amount` is what is still to be counted and `visit` who by, `live` None if
    not known, and `reading` None if Redis did not answer for entries and counters; then `unknown` says whether it may
    have counted all the same."""

    source: Source
    id: Id
    family: CounterFamily | None
    amount: int
    reading: Reading | None
    entry: Entry | None
    live: int | None
    state: State
    visit: Visit | None = None
    unknown: bool = False

    @property
    def is_plain_hit(self) -> bool:
        """Whether nothing is left to do but to answer `entry.body`, with `live` if it was asked for."""
        return (
            self.state is State.HIT
            and self.entry is not None
            and not self.entry.negative
            and (self.live is not None or self.family is None)
            and not _is_due_early(self.source, self.entry)
        )


def fetch(
    source: Source, id: Id, family: CounterFamily | None = None, amount: int = 0, visit: Visit | None = None
) -> Found:
    """Return one entry, read through. With a `family`, count `amount` in the same round trip.

    A row that does not exist is not counted. Raises what the loader raises, and LoaderBackedOff after that.
    """
    return settle(look(source, id, family, amount, visit))


def look(
    source: Source, id: Id, family: CounterFamily | None = None, amount: int = 0, visit: Visit | None = None
) -> Look:
    """Read an entry, and count, in one round trip; unless it is a plain hit, `settle` must follow."""
    also = (family.count(id, amount, visit),) if family is not None else ()
    try:
        reading = source.store.read([id], also)
    except StoreUnavailable as error:
        return Look(source, id, family, amount, None, None, None, State.MISS, visit, error.unknown)
    entry = reading.entries.get(id)
    if reading.also is None:
        return Look(source, id, family, amount, None, entry, None, State.MISS, visit, reading.unknown)
    state = State.MISS
    if entry is not None:
        state = State.HIT if entry.is_fresh(source.store.clock()) else State.STALE
    source.count_read(state)
    live = _live(reading)
    return Look(source, id, family, 0 if live is not None else amount, reading, entry, live, state, visit)


def settle(look: Look) -> Found:
    """Turn a look into an answer, by whatever that takes."""
    if look.reading is None:
        return _degraded(look)
    if look.entry is None:
        return _missing(look, look.reading)
    if look.state is State.STALE or _is_due_early(look.source, look.entry):
        return _refreshed(look, look.entry, look.reading)
    return _answer(look, look.entry)


def _refreshed(look: Look, entry: Entry, reading: Reading) -> Found:
    """Answer what is there and have it refreshed; without a worker, whoever has the lease refreshes it right here."""
    source = look.source
    if not worker_health.should_request(source.policy.namespace, look.id, entry.loaded_ms, source.store.clock()):
        return _answer(look, entry)
    leases = background_lease(source, [look.id])
    if not leases:
        return _answer(look, entry)
    if worker_health.should_enqueue(source.policy.namespace, look.id, entry.loaded_ms):
        refresh_later(source, leases, reading.generation)
        return _answer(look, entry)
    metrics.EARLY.labels(source.policy.namespace).inc()
    try:
        body = load_and_fill(source, [look.id], leases, reading.generation).load.bodies.get(look.id)
    except Exception:
        # Stale if error: the entry may be answered until its hard TTL, whatever is wrong with its loader.
        logger.exception("%s %s could not be refreshed", source.policy.namespace, look.id)
        return _answer(look, entry)
    return _answer(look._replace(state=State.MISS), entry._replace(body=body or b"", negative=body is None))


def _missing(look: Look, reading: Reading) -> Found:
    """Load under the lease, or wait for whoever has it."""
    source, id, family = look.source, look.id, look.family
    turn = Turn(Leases(), None, reading.generation)
    if reading.reachable and may_fill():
        turn = take_turn(source, id, reading)
    if turn.entry is not None:
        if look.live is None and family is not None and not turn.entry.negative:
            # Whoever filled it has seeded its live count too, so this asks the database nothing.
            look = _count(look, family)
        return _answer(look, turn.entry)
    uncounted = [id] if family is not None else []
    with _or_refused(look):
        respect_backoff(source, [id], turn.leases)
        loaded = load_and_fill(source, [id], turn.leases, turn.generation, family, uncounted, look.amount, look.visit)
    return Found(loaded.load.bodies.get(id), State.MISS, loaded.counts.get(id, 0))


def _answer(look: Look, entry: Entry) -> Found:
    """Answer an entry; if its live count is not known, ask the database for the total and count. Without a database the
    entry is answered all the same, with a count of 0."""
    family, live = look.family, look.live
    if entry.negative:
        if live is not None and family is not None:
            # Seeded by a read that a deletion overtook; it would go on counting what does not exist.
            with contextlib.suppress(*REDIS_ERRORS):
                family.forget([int(look.id)])
        return Found(None, look.state, 0)
    if live is None and family is not None:
        try:
            with _or_refused(look):
                counts = load_and_fill(look.source, [], {}, 0, family, [look.id], look.amount, look.visit).counts
        except Exception:
            logger.exception(_UNCOUNTED, look.source.policy.namespace, look.id)
            counts = {}
        live = counts.get(look.id, 0)
    return Found(entry.body, look.state, live or 0)


def _degraded(look: Look) -> Found:
    """Answer from the database, and have the view spilled; without a database too, answer what was read."""
    look.source.count_read(State.MISS)
    family, amount = look.family, look.amount
    try:
        with _or_refused(look):
            load = look.source.loader([look.id])
    except Exception:
        if look.entry is None:
            raise
        logger.exception(_UNCOUNTED, look.source.policy.namespace, look.id)
        return Found(None if look.entry.negative else look.entry.body, State.STALE, 0)
    body = load.bodies.get(look.id)
    counts = {look.id: load.totals.get(look.id, 0)}
    if family is not None and body is not None:
        counts = spilled(family, counts, load.applied, amount, look.unknown)
    return Found(body, State.MISS, counts[look.id])


@contextlib.contextmanager
def _or_refused(look: Look) -> Iterator[None]:
    """Note that the view is refused if the database does not tell what there is to count."""
    try:
        yield
    except Exception:
        if look.family is not None and look.amount:
            refuse(look.family.name, look.amount, "unknown" if look.unknown else "database")
        raise


def _count(look: Look, family: CounterFamily) -> Look:
    """Count what is still to be counted, now that somebody else has made the live count known."""
    id, amount = int(look.id), look.amount
    try:
        live = family.increment(id, amount, look.visit) if amount else family.live([id]).get(id)
    except REDIS_ERRORS as error:
        if amount:
            spill.take(family.name, id, amount, may_have_run(error))
        return look._replace(amount=0)
    return look._replace(live=live, amount=amount if live is None else 0)


def _live(reading: Reading) -> int | None:
    """Return the live count that rode along: a number from a count, bytes from a look-up, None if not known."""
    answer = reading.also[0] if reading.also else None
    return live_count(answer) if isinstance(answer, bytes) else answer


def _is_due_early(source: Source, entry: Entry) -> bool:
    if not worker_health.seems_absent():
        return False
    return should_refresh_early(source.store.clock(), entry.loaded_ms + entry.fresh_ms, source.load_times.load_ms)

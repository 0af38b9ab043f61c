"""Reading one entry: the read-through state machine.

`read_once` is the one round trip of every read; `complete` is everything that may follow.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

from caching import metrics
from caching.counters.count import Count, NoCount
from caching.counters.family import Visit
from caching.entries.entry import Entry
from caching.entries.read_result import ReadResult
from caching.entries.store import Leases
from caching.errors import StoreUnavailable
from caching.keys import Id
from caching.readthrough.load import load_and_fill, may_fill, respect_backoff
from caching.readthrough.origin import ORIGIN_OF, Origin, State
from caching.readthrough.refresh import background_lease, refresh_later
from caching.readthrough.resource import Resource
from caching.readthrough.waiting import Turn, lease_or_wait
from caching.readthrough.worker_health import worker_health
from caching.readthrough.xfetch import should_refresh_early

logger = logging.getLogger(__name__)

_UNCOUNTED = "%s %s is answered without its count"


class Found(NamedTuple):
    """An answer: the body (None if there is no such row), its state, and the live count (0 if it has none)."""

    body: bytes | None
    state: State
    live: int

    @property
    def origin(self) -> Origin:
        """Where it came from, for Cache-Status."""
        return ORIGIN_OF[self.state]


class Lookup(NamedTuple):
    """The result of one round trip for an entry. `live` is None if the live count is unknown: nothing was counted."""

    resource: Resource
    id: Id
    counting: Count | NoCount
    result: ReadResult
    entry: Entry | None
    live: int | None
    state: State

    def plain_hit(self) -> Found | None:
        """Return the answer if nothing is left to do, or None: then `complete` must follow."""
        entry, live = self.entry, self.live
        if self.state is not State.HIT or entry is None or entry.negative or live is None:
            return None
        return None if _is_due_early(self.resource, entry) else Found(entry.body, State.HIT, live)


def fetch(resource: Resource, id: Id, amount: int = 0, visit: Visit | None = None) -> Found:
    """Return one entry, read through. If the resource has counters, count `amount` in the same round trip.

    `visit` names the visitor, and how often this one counts. A row that does not exist is not counted. Raises what the
    loader raises, and LoaderBackedOff while the loader is backed off after a failure.
    """
    return complete(read_once(resource, id, amount, visit))


def read_once(resource: Resource, id: Id, amount: int = 0, visit: Visit | None = None) -> Lookup:
    """Read an entry, and count, in one round trip; unless it is a plain hit, `complete` must follow."""
    count = resource.count(id, amount, visit)
    try:
        result = resource.store.read([id], count.commands())
    except StoreUnavailable as error:
        result = resource.store.unreachable(None, error.unknown)
        return Lookup(resource, id, count, result, None, None, State.MISS)
    entry = result.entries.get(id)
    if result.replies is None:
        return Lookup(resource, id, count, result, entry, None, State.MISS)
    state = State.MISS
    if entry is not None:
        state = State.HIT if entry.is_fresh(resource.store.clock()) else State.STALE
    resource.note_read(state)
    return Lookup(resource, id, count, result, entry, count.live(result.replies), state)


def complete(lookup: Lookup) -> Found:
    """Turn a lookup into an answer. Raises what the loader raises, and LoaderBackedOff.

    fresh       answer it
    stale       answer it; the reader that gets the lease sends one task that refreshes it
    early       no worker seems to run: a reader refreshes a stale entry, or by chance one that will soon be stale
    negative    answer that there is no such row
    missing     take the lease, load, fill, answer
    waiting     another process holds the lease: block until it ends, for at most `policy.wait`
    refused     the wait timed out, or an invalidation came in between: load and answer, store nothing
    backed off  the loader has just failed: raise LoaderBackedOff
    degraded    Redis does not answer: load and answer
    """
    if lookup.result.replies is None:
        return _degraded(lookup)
    if lookup.entry is None:
        return _missing(lookup)
    if lookup.state is State.STALE or _is_due_early(lookup.resource, lookup.entry):
        return _refreshed(lookup, lookup.entry)
    return _answer(lookup, lookup.entry)


def _refreshed(lookup: Lookup, entry: Entry) -> Found:
    """Answer the entry and send its refresh; if no worker seems to run, the reader with the lease refreshes it here."""
    resource, id, generation = lookup.resource, lookup.id, lookup.result.generation
    namespace = resource.policy.namespace
    if not worker_health.should_request(namespace, id, entry.loaded_ms, resource.store.clock()):
        return _answer(lookup, entry)
    leases = background_lease(resource, [id])
    if not leases:
        return _answer(lookup, entry)
    if worker_health.should_enqueue(namespace, id, entry.loaded_ms):
        refresh_later(resource, leases, generation)
        return _answer(lookup, entry)
    metrics.EARLY.labels(namespace).inc()
    try:
        body = load_and_fill(resource, [id], leases, generation).load.bodies.get(id)
    except Exception:
        # Stale if error: the entry may be answered until its hard TTL, even if its loader fails.
        logger.exception("%s %s could not be refreshed", namespace, id)
        return _answer(lookup, entry)
    return _answer(lookup._replace(state=State.MISS), entry._replace(body=body or b"", negative=body is None))


def _missing(lookup: Lookup) -> Found:
    """Load under the lease, or wait for the process that has it."""
    resource, id, result = lookup.resource, lookup.id, lookup.result
    turn = Turn(Leases(), None, result.generation)
    if result.reachable and may_fill():
        turn = lease_or_wait(resource, id, result)
    if turn.entry is not None:
        if lookup.live is None and not turn.entry.negative:
            # The process that filled the entry has seeded its live count too, so this needs no query.
            counting, live = lookup.counting.again()
            lookup = lookup._replace(counting=counting, live=live)
        return _answer(lookup, turn.entry)
    count = lookup.counting if lookup.live is None else lookup.counting.counted()
    with count.refused_on_error():
        respect_backoff(resource, [id], turn.leases)
        loaded = load_and_fill(resource, [id], turn.leases, turn.generation, count)
    return Found(loaded.load.bodies.get(id), State.MISS, loaded.live.get(id, 0))


def _answer(lookup: Lookup, entry: Entry) -> Found:
    """Answer an entry; if its live count is not known, load the total and count."""
    if entry.negative:
        if lookup.live is not None:
            # A read that raced with the deletion has seeded it, and it would go on counting a row that does not exist.
            lookup.counting.forget()
        return Found(None, lookup.state, 0)
    return Found(entry.body, lookup.state, _seeded(lookup) if lookup.live is None else lookup.live)


def _seeded(lookup: Lookup) -> int:
    """Seed the live count from the database, count, and return it; 0 if the database is away."""
    resource, id, count = lookup.resource, lookup.id, lookup.counting
    try:
        with count.refused_on_error():
            return load_and_fill(resource, [], {}, 0, count).live.get(id, 0)
    except Exception:
        logger.exception(_UNCOUNTED, resource.policy.namespace, id)
        return 0


def _degraded(lookup: Lookup) -> Found:
    """Answer from the database, which also accepts the count. If that fails too, answer the entry that was read."""
    resource, id, count, unknown = lookup.resource, lookup.id, lookup.counting, lookup.result.unknown
    resource.note_read(State.MISS)
    try:
        with count.refused_on_error(unknown):
            load = resource.loader([id])
    except Exception:
        if lookup.entry is None:
            raise
        logger.exception(_UNCOUNTED, resource.policy.namespace, id)
        return Found(None if lookup.entry.negative else lookup.entry.body, State.STALE, 0)
    body = load.bodies.get(id)
    live = {} if body is None else count.without_redis(load, unknown)
    return Found(body, State.MISS, live.get(id, 0))


def _is_due_early(resource: Resource, entry: Entry) -> bool:
    if not worker_health.seems_absent():
        return False
    stale_from_ms = entry.loaded_ms + entry.fresh_ms
    return should_refresh_early(resource.store.clock(), stale_from_ms, resource.load_times.load_ms)

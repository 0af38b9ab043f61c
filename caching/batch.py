"""Reading many entries: one round trip for the hits, one query and two round trips more for what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from caching import metrics
from caching.counters import CounterFamily, known
from caching.entry import Entry
from caching.keys import Id
from caching.load import load_and_fill, may_fill
from caching.refresh import refresh_later
from caching.source import Source
from caching.store import Reading, StoreUnavailable
from caching.waiting import wait_for


@dataclass(slots=True)
class Batch:
    """Bodies by id in the order they were asked for, without those that do not exist; their live counts; and how
    many of the ids were found fresh, stale or not at all."""

    bodies: dict[Id, bytes] = field(default_factory=dict)
    counts: dict[Id, int] = field(default_factory=dict)
    hits: int = 0
    stale: int = 0
    misses: int = 0
    found_ids: set[Id] = field(default_factory=set)


def fetch_many(
    source: Source,
    ids: Sequence[Id],
    family: CounterFamily | None = None,
    ahead: Sequence[Id] = (),
    wait: bool = False,
) -> Batch:
    """Return the entries of `ids`, each asked for once however often it is repeated.

    At most three round trips and one query, whatever is missing. With a `family` the live counts come along. Ids
    in `ahead` are only looked up: `found_ids` says which of them are stored. With `wait`, what somebody else is
    loading is waited for, at the price of more round trips, instead of being loaded here too.
    """
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return Batch()
    reading = _read(source, [*wanted, *ahead], wanted, family)
    entries = dict(reading.entries)
    batch = Batch(found_ids=set(entries))
    missing, stale = _sort(source, wanted, entries, batch)
    tokens = _lease(source, missing, stale) if reading.reachable else {}
    refresh_later(source, {id: tokens.pop(id) for id in stale if id in tokens}, reading.generation)
    if wait and len(tokens) < len(missing) and reading.reachable and may_fill():
        entries |= wait_for(source, [id for id in missing if id not in tokens])
        missing = [id for id in missing if id not in entries]

    bodies = {id: entry.body for id, entry in entries.items() if not entry.negative}
    counts = known(wanted, reading.also[0]) if reading.also else {}
    gone = entries.keys() - bodies.keys()
    uncounted = [id for id in wanted if id not in counts and id not in gone] if family else []
    if missing or uncounted:
        # Where the counters are away nothing is seeded: the totals of the database are the counts.
        seeded = family if reading.also else None
        loaded = load_and_fill(source, missing, tokens, reading.generation, seeded, uncounted)
        bodies |= {id: loaded.load.bodies[id] for id in missing if id in loaded.load.bodies}
        counts |= loaded.counts
    batch.bodies = {id: bodies[id] for id in wanted if id in bodies}
    batch.counts = {id: counts.get(id, 0) for id in batch.bodies} if family else {}
    return batch


def _read(source: Source, ids: Sequence[Id], counted: Sequence[Id], family: CounterFamily | None) -> Reading:
    also = family.also_live(counted) if family else None
    try:
        return source.store.read(ids, also)
    except StoreUnavailable:
        return Reading({}, 0, None, reachable=False)


def _sort(source: Source, wanted: list[Id], entries: dict[Id, Entry], batch: Batch) -> tuple[list[Id], list[Id]]:
    """Return the missing and the stale ids, and count what was found."""
    now = source.store.clock()
    missing = [id for id in wanted if id not in entries]
    stale = [id for id in wanted if id in entries and not entries[id].is_fresh(now)]
    batch.misses, batch.stale = len(missing), len(stale)
    batch.hits = len(wanted) - batch.misses - batch.stale
    namespace = source.policy.namespace
    for result, amount in (("hit", batch.hits), ("stale", batch.stale), ("miss", batch.misses)):
        if amount:
            metrics.READS.labels(namespace, result).inc(amount)
    return missing, stale


def _lease(source: Source, missing: Sequence[Id], stale: Sequence[Id]) -> dict[Id, str]:
    if not (missing or stale) or not may_fill():
        return {}
    try:
        return source.store.lease([*missing, *stale], background=stale)
    except StoreUnavailable:
        return {}

"""Reading many entries: one round trip for the hits, one query and two round trips more for what is missing."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from caching.counters.family import CounterFamily, known
from caching.entries.entry import Entry
from caching.entries.journal import journal
from caching.entries.read_result import Reading
from caching.entries.store import Leases
from caching.errors import StoreUnavailable
from caching.keys import Id
from caching.readthrough.load import Loaded, load_and_fill, may_fill, respect_backoff
from caching.readthrough.refresh import refresh_later
from caching.readthrough.source import Load, Source
from caching.readthrough.waiting import take_turn
from caching.readthrough.workers import worker_health
from caching.redis.round_trip import Answers, round_trip

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Batch:
    """Bodies by id in the order they were asked for, without those that do not exist; their live counts; and how
    many of the ids were found fresh, stale or not at all."""

    bodies: dict[Id, bytes] = field(default_factory=dict)
    counts: dict[Id, int] = field(default_factory=dict)
    hits: int = 0
    stale: int = 0
    misses: int = 0


class Ask(NamedTuple):
    """What to look for: entries by ids, each there once, with their live counts if there is a `family`; those in
    `ahead` are only looked up."""

    source: Source
    ids: list[Id]
    family: CounterFamily | None = None
    ahead: Sequence[Id] = ()


class LookMany(NamedTuple):
    """What one round trip said of many entries. The ids are each there once, in the order they were asked for."""

    source: Source
    ids: list[Id]
    family: CounterFamily | None
    reading: Reading

    def plain_hits(self) -> Batch | None:
        """Return the answer if all ids are hits and nothing is left to do, or None: then `settle_many` must follow."""
        found = self.reading.fresh_bodies(len(self.ids))
        if found is None:
            return None
        counts = known(self.ids, self.reading.also[0]) if self.reading.also else {}
        if self.family is not None and len(counts) < len(found):
            return None
        self.source.count_read("hit", len(found))
        return Batch(dict(zip(self.ids, found, strict=True)), counts, hits=len(found))

    def stored_ahead(self) -> bool:
        """Return whether all ids that were looked up ahead are stored."""
        stored, start = self.reading.stored, len(self.ids)
        return all(stored(position) for position in range(start, len(self.reading.ids)))


def fetch_many(
    source: Source,
    ids: Iterable[Id],
    family: CounterFamily | None = None,
) -> Batch:
    """Return the entries of `ids`, each asked for once however often it is repeated.

    At most three round trips and one query, whatever is missing. With a `family` the live counts come along.
    Raises what the loader raises, and LoaderBackedOff after that.
    """
    look = look_many(source, ids, family)
    return look.plain_hits() or settle_many(look)


def look_many(source: Source, ids: Iterable[Id], family: CounterFamily | None = None) -> LookMany:
    """Read many entries in one round trip."""
    return look_all([Ask(source, list(dict.fromkeys(ids)), family)])[0]


def look_all(asks: Sequence[Ask]) -> list[LookMany]:
    """Read entries of several sources in one round trip (two if cache and state are two servers)."""
    commands = [ask.source.store.ask([*ask.ids, *ask.ahead]) for ask in asks if ask.ids]
    also = [ask.family.look(ask.ids) for ask in asks if ask.family is not None and ask.ids]
    try:
        journal.ensure_checked()
        answers = round_trip("read", commands, also)
    except StoreUnavailable:
        answers = Answers(None, None)
    values, counts = iter(answers.cache or ()), iter(answers.state or ())
    looks = []
    for ask in asks:
        store, counted = ask.source.store, ask.family is not None and bool(ask.ids)
        riders = None if answers.state is None and counted else [next(counts)] if counted else []
        if not ask.ids:
            reading = Reading(store.policy, store.clock, (), 0, (), [])
        elif answers.cache is None:
            reading = Reading.unreachable(store.policy, store.clock, riders)
        else:
            reading = store.reading([*ask.ids, *ask.ahead], next(values), riders)
        looks.append(LookMany(ask.source, ask.ids, ask.family if counted else None, reading))
    return looks


def settle_many(look: LookMany, wait: bool = False) -> Batch:
    """Turn a look into an answer, by whatever that takes.

    With `wait`, what somebody else is loading is waited for, at the price of more round trips, instead of being loaded
    here too.
    """
    source, wanted, family, reading = look
    entries = dict(reading.entries)
    batch = Batch()
    missing, stale = _sort(source, wanted, entries, batch)
    namespace, now = source.policy.namespace, source.store.clock()
    stale = [id for id in stale if worker_health.should_request(namespace, id, entries[id].loaded_ms, now)]
    leases = _lease(source, missing, stale) if reading.reachable else Leases()
    due = _refresh(source, stale, leases, entries, reading.generation, loading=bool(missing))
    if wait and reading.reachable and may_fill():
        missing = _wait(source, missing, leases, entries)
    respect_backoff(source, missing, leases)

    bodies = {id: entry.body for id, entry in entries.items() if not entry.negative}
    counts = known(wanted, reading.also[0]) if reading.also else {}
    gone = entries.keys() - bodies.keys()
    uncounted = [id for id in wanted if id not in counts and id not in gone] if family else []
    if missing or uncounted or due:
        # Where the counters are away nothing is seeded: the totals of the database are the counts.
        seeded = family if reading.also else None
        loaded = _load(source, missing, due, leases, reading.generation, seeded, uncounted)
        bodies |= {id: loaded.load.bodies[id] for id in (*missing, *due) if id in loaded.load.bodies}
        counts |= loaded.counts
    batch.bodies = {id: bodies[id] for id in wanted if id in bodies}
    batch.counts = {id: counts.get(id, 0) for id in batch.bodies} if family else {}
    return batch


def _sort(source: Source, wanted: list[Id], entries: dict[Id, Entry], batch: Batch) -> tuple[list[Id], list[Id]]:
    """Return the missing and the stale ids, and count what was found."""
    now = source.store.clock()
    missing = [id for id in wanted if id not in entries]
    stale = [id for id in wanted if id in entries and not entries[id].is_fresh(now)]
    batch.misses, batch.stale = len(missing), len(stale)
    batch.hits = len(wanted) - batch.misses - batch.stale
    for result, amount in (("hit", batch.hits), ("stale", batch.stale), ("miss", batch.misses)):
        if amount:
            source.count_read(result, amount)
    return missing, stale


def _lease(source: Source, missing: Sequence[Id], stale: Sequence[Id]) -> Leases:
    if not (missing or stale) or not may_fill():
        return Leases()
    try:
        leases = source.store.lease([*missing, *stale], background=frozenset(stale))
    except StoreUnavailable:
        return Leases()
    for id in leases.backed_off:
        worker_health.note_ran(source.policy.namespace, id)
    return leases


def _refresh(
    source: Source,
    stale: Sequence[Id],
    leases: Leases,
    entries: dict[Id, Entry],
    generation: int,
    loading: bool,
) -> list[Id]:
    """Have what is stale refreshed; return what this batch refreshes itself, because it loads something anyway, or
    because there seems to be no worker."""
    mine, namespace = [id for id in stale if id in leases], source.policy.namespace
    if loading:
        return mine
    due = {id for id in mine if not worker_health.should_enqueue(namespace, id, entries[id].loaded_ms)}
    refresh_later(source, {id: leases.pop(id) for id in mine if id not in due}, generation)
    return [id for id in mine if id in due]


def _wait(source: Source, missing: Sequence[Id], leases: Leases, entries: dict[Id, Entry]) -> list[Id]:
    """Wait for what others are loading; return what is still missing."""
    for id in missing:
        if id in leases:
            continue
        try:
            turn = take_turn(source, id, source.store.read([id]))
        except StoreUnavailable:
            break
        leases.update(turn.leases)
        leases.backed_off.update(turn.leases.backed_off)
        if turn.entry is not None:
            entries[id] = turn.entry
    return [id for id in missing if id not in entries]


def _load(
    source: Source,
    missing: Sequence[Id],
    due: Sequence[Id],
    leases: Leases,
    generation: int,
    family: CounterFamily | None,
    uncounted: Sequence[Id],
) -> Loaded:
    """Load and fill; if nothing but a refresh was to be done, an error leaves what is stale as it is."""
    try:
        return load_and_fill(source, [*missing, *due], leases, generation, family, uncounted)
    except Exception:
        if missing or uncounted:
            raise
        logger.exception("%d %s entries could not be refreshed", len(due), source.policy.namespace)
        return Loaded(Load({}), {})

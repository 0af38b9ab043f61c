"""Reading many entries: one round trip for the hits, one query and two round trips more for what is missing."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from caching.counters.counts import NO_COUNTS, Counts, NoCounts
from caching.counters.rider import Rider
from caching.entries.entry import Entry
from caching.entries.journal import journal
from caching.entries.read_result import ReadResult
from caching.entries.store import Leases
from caching.errors import StoreUnavailable
from caching.keys import Id
from caching.readthrough.load import Loaded, load_and_fill, may_fill, respect_backoff
from caching.readthrough.loader import Load
from caching.readthrough.origin import Origin
from caching.readthrough.refresh import refresh_later
from caching.readthrough.resource import Resource
from caching.readthrough.waiting import lease_or_wait
from caching.readthrough.worker_health import worker_health
from caching.redis.round_trip import Replies, round_trip
from caching.redis.scripts import Command

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Batch:
    """The answer to a read of many entries.

    `bodies` are by id in the order of the request, without ids that do not exist; `live` are the live counts of the
    same ids (empty if the resource has no counters); `origin` is where the bodies came from.
    """

    bodies: dict[Id, bytes] = field(default_factory=dict)
    live: dict[Id, int] = field(default_factory=dict)
    origin: Origin = field(default_factory=Origin)


class Request(NamedTuple):
    """Entries to read by id, without repeats. Of ids in `ahead` only the presence is checked, for `stored_ahead`."""

    resource: Resource
    ids: list[Id]
    ahead: Sequence[Id] = ()


class BatchLookup(NamedTuple):
    """The result of one round trip for many entries. `ids` are in the order of the request, without repeats."""

    resource: Resource
    ids: list[Id]
    counts: Counts | NoCounts
    result: ReadResult

    def plain_hit(self) -> Batch | None:
        """Return the answer if all ids are hits and nothing is left to do, or None: `complete_many` must follow."""
        bodies = self.result.fresh_bodies(len(self.ids))
        if bodies is None:
            return None
        live = self.counts.live(self.result.replies)
        if self.counts.unknown(live):
            return None
        self.resource.note_read("hit", len(bodies))
        return Batch(dict(zip(self.ids, bodies, strict=True)), live, Origin(len(bodies)))

    def stored_ahead(self) -> bool:
        """Return whether all ids in the request's `ahead` are stored."""
        stored, start = self.result.stored, len(self.ids)
        return all(stored(position) for position in range(start, len(self.result.ids)))


def fetch_many(resource: Resource, ids: Iterable[Id]) -> Batch:
    """Return the entries of `ids`; repeated ids are read once.

    It takes at most three round trips and one query, whatever is missing. If the resource has counters, the live counts
    are read too. Raises what the loader raises, and LoaderBackedOff while the loader is backed off after a failure.
    """
    lookup = read_many_once(resource, ids)
    return lookup.plain_hit() or complete_many(lookup)


def read_many_once(resource: Resource, ids: Iterable[Id]) -> BatchLookup:
    """Read many entries in one round trip."""
    return read_all_once([Request(resource, list(dict.fromkeys(ids)))])[0]


def read_all_once(requests: Sequence[Request]) -> list[BatchLookup]:
    """Read entries of several resources in one round trip (two if cache and state are two servers).

    Returns one lookup for each request, in order; while Redis is away they have no entries.
    """
    commands: list[Command] = []
    count_commands: list[Command] = []
    asked = []
    for request in requests:
        resource, ids, ahead = request
        counts = resource.counts(ids) if ids else NO_COUNTS
        counting = counts.commands()
        asked.append((request, counts, len(counting)))
        count_commands.extend(counting)
        if ids:
            commands.append(resource.store.read_command([*ids, *ahead]))
    try:
        journal.ensure_checked()
        replies = round_trip("read", commands, count_commands)
    except StoreUnavailable:
        replies = Replies(None, None)
    values, live = iter(replies.cache or ()), iter(replies.state or ())
    lookups = []
    for request, counts, number in asked:
        mine = None if replies.state is None else list(islice(live, number))
        lookups.append(_lookup(request, counts, None if replies.cache is None else values, mine))
    return lookups


def complete_many(lookup: BatchLookup, wait: bool = False) -> Batch:
    """Turn a lookup into an answer: refresh what is stale, load and fill what is missing.

    With `wait`, entries that another process is loading are waited for, which takes more round trips, and not loaded
    here too. Raises what the loader raises, and LoaderBackedOff.
    """
    resource, wanted, counts, result = lookup
    entries = dict(result.entries)
    missing, stale, origin = _sort(resource, wanted, entries)
    leases = _lease(resource, missing, stale) if result.reachable else Leases()
    due = _refresh(resource, stale, leases, entries, result.generation, loading=bool(missing))
    if wait and result.reachable and may_fill():
        missing = _wait(resource, missing, leases, entries)
    respect_backoff(resource, missing, leases)

    bodies = {id: entry.body for id, entry in entries.items() if not entry.negative}
    live = counts.live(result.replies)
    gone = entries.keys() - bodies.keys()
    uncounted = [id for id in counts.unknown(live) if id not in gone]
    if missing or uncounted or due:
        loaded = _load(resource, missing, due, leases, result.generation, counts.rider(uncounted, result.replies))
        bodies |= {id: loaded.load.bodies[id] for id in (*missing, *due) if id in loaded.load.bodies}
        live |= loaded.live
    bodies = {id: bodies[id] for id in wanted if id in bodies}
    return Batch(bodies, {} if resource.family is None else {id: live.get(id, 0) for id in bodies}, origin)


def _lookup(request: Request, counts: Counts | NoCounts, values: Any, replies: list[Any] | None) -> BatchLookup:
    resource, ids, ahead = request
    if not ids:
        result = resource.store.read_result((), [None], [])
    elif values is None:
        result = resource.store.unreachable(replies)
    else:
        result = resource.store.read_result([*ids, *ahead], next(values), replies)
    return BatchLookup(resource, ids, counts, result)


def _sort(resource: Resource, wanted: Sequence[Id], entries: Mapping[Id, Entry]) -> tuple[list[Id], list[Id], Origin]:
    """Return the missing ids, the stale ids for which to request a lease, and the origin of the answer."""
    now, namespace = resource.store.clock(), resource.policy.namespace
    missing = [id for id in wanted if id not in entries]
    stale = [id for id in wanted if id in entries and not entries[id].is_fresh(now)]
    origin = Origin(len(wanted) - len(missing) - len(stale), len(stale), len(missing))
    for result, amount in (("hit", origin.hits), ("stale", origin.stale), ("miss", origin.misses)):
        if amount:
            resource.note_read(result, amount)
    requested = [id for id in stale if worker_health.should_request(namespace, id, entries[id].loaded_ms, now)]
    return missing, requested, origin


def _lease(resource: Resource, missing: Sequence[Id], stale: Sequence[Id]) -> Leases:
    if not (missing or stale) or not may_fill():
        return Leases()
    try:
        leases = resource.store.lease([*missing, *stale], background=frozenset(stale))
    except StoreUnavailable:
        return Leases()
    for id in leases.backed_off:
        worker_health.note_ran(resource.policy.namespace, id)
    return leases


def _refresh(
    resource: Resource,
    stale: Sequence[Id],
    leases: Leases,
    entries: Mapping[Id, Entry],
    generation: int,
    loading: bool,
) -> list[Id]:
    """Send the refresh of stale entries. Return the ids that this batch refreshes itself, because it loads others
    anyway or no worker seems to run."""
    mine, namespace = [id for id in stale if id in leases], resource.policy.namespace
    if loading:
        return mine
    due = {id for id in mine if not worker_health.should_enqueue(namespace, id, entries[id].loaded_ms)}
    refresh_later(resource, {id: leases.pop(id) for id in mine if id not in due}, generation)
    return [id for id in mine if id in due]


def _wait(resource: Resource, missing: Sequence[Id], leases: Leases, entries: dict[Id, Entry]) -> list[Id]:
    """Wait for entries that other processes are loading; return the ids that are still missing."""
    for id in missing:
        if id in leases:
            continue
        try:
            turn = lease_or_wait(resource, id, resource.store.read([id]))
        except StoreUnavailable:
            break
        leases.update(turn.leases)
        leases.backed_off.update(turn.leases.backed_off)
        if turn.entry is not None:
            entries[id] = turn.entry
    return [id for id in missing if id not in entries]


def _load(
    resource: Resource, missing: Sequence[Id], due: Sequence[Id], leases: Leases, generation: int, rider: Rider
) -> Loaded:
    """Load and fill. If there are only stale entries to refresh, an error is logged and they stay as they are."""
    try:
        return load_and_fill(resource, [*missing, *due], leases, generation, rider)
    except Exception:
        if missing or rider.unseeded:
            raise
        logger.exception("%d %s entries could not be refreshed", len(due), resource.policy.namespace)
        return Loaded(Load({}), {})

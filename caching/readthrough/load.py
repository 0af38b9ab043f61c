"""Loading what a read did not find: one query, and one round trip that fills entries and seeds live counts."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from caching import metrics
from caching.counters.count import NO_COUNT
from caching.counters.rider import Rider
from caching.entries.store import Leases
from caching.errors import LoaderBackedOff, StoreUnavailable
from caching.keys import Id
from caching.readthrough.loader import Load
from caching.readthrough.resource import Resource
from caching.transactions import in_transaction

logger = logging.getLogger(__name__)


class Loaded(NamedTuple):
    """What the loader found, and the live counts by id after seeding."""

    load: Load
    live: Mapping[Id, int]


def may_fill() -> bool:
    """Return whether a value read now may be stored: not inside a transaction, which sees its own uncommitted writes
    and may still roll back."""
    return not in_transaction()


def respect_backoff(resource: Resource, missing: Iterable[Id], leases: Leases) -> None:
    """Raise LoaderBackedOff, and release the leases, if the loader of a missing id has just failed."""
    backed_off = [leases.backed_off[id] for id in missing if id in leases.backed_off]
    if not backed_off:
        return
    if leases:
        resource.store.release(leases)
    metrics.BACKED_OFF.labels(resource.policy.namespace).inc()
    raise LoaderBackedOff(resource.policy.namespace, max(backed_off) / 1000)


def load_and_fill(
    resource: Resource, missing: Sequence[Id], tokens: Mapping[Id, str], generation: int, rider: Rider = NO_COUNT
) -> Loaded:
    """Load `missing` and what the rider needs in one query; fill the leased ids and seed counts in one round trip.

    `tokens` (leases by id) must have been taken before this call. What the loader raises is passed on, after the leases
    were released with a backoff. If Redis does not answer, the rider returns the counts.
    """
    loaded_ms = resource.store.clock()
    load = _load(resource, list(dict.fromkeys([*missing, *rider.unseeded])), tokens)
    bodies = {id: load.bodies.get(id) for id in missing}
    seeds = rider.seeds(load)
    if not tokens and not seeds:
        return Loaded(load, rider.seeded(load, ()))
    try:
        replies = resource.store.fill(bodies, tokens, loaded_ms, generation, seeds)
    except StoreUnavailable as error:
        return Loaded(load, rider.without_redis(load, error.unknown))
    return Loaded(load, rider.seeded(load, replies))


def _load(resource: Resource, ids: Sequence[Id], tokens: Mapping[Id, str]) -> Load:
    times, lease_ms = resource.load_times, resource.load_times.lease_ms()
    try:
        with times.timed():
            load = resource.load(ids)
    except BaseException:
        if tokens:
            resource.store.release(tokens, times.backoff_ms())
        raise
    if tokens and times.last_ms > lease_ms:
        logger.warning("%s took %d ms to load, longer than its lease", resource.policy.namespace, times.last_ms)
    return load

"""Loading what a read did not find: one query, filled under leases, with the live counts seeded on the way."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from caching import metrics
from caching.counters import spill
from caching.counters.family import CounterFamily, Visit
from caching.entries.store import Leases
from caching.errors import LoaderBackedOff, StoreUnavailable
from caching.keys import Id
from caching.readthrough.source import Load, Source
from caching.redis.errors import REDIS_ERRORS
from caching.transactions import in_transaction

logger = logging.getLogger(__name__)


class Loaded(NamedTuple):
    """What the database said, and the live counts as they are after seeding."""

    load: Load
    counts: dict[Id, int]


def may_fill() -> bool:
    """Return whether a value read now may be stored: not inside a transaction, which may see what it wrote itself
    and may yet roll back."""
    return not in_transaction()


def respect_backoff(source: Source, missing: Iterable[Id], leases: Leases) -> None:
    """Raise LoaderBackedOff if the loader of an id that is missing has just failed; the leases are given back then."""
    backed_off = [leases.backed_off[id] for id in missing if id in leases.backed_off]
    if not backed_off:
        return
    if leases:
        source.store.release(leases)
    metrics.BACKED_OFF.labels(source.policy.namespace).inc()
    raise LoaderBackedOff(source.policy.namespace, max(backed_off) / 1000)


def load_and_fill(
    source: Source,
    missing: Sequence[Id],
    tokens: Mapping[Id, str],
    generation: int,
    family: CounterFamily | None = None,
    uncounted: Iterable[Id] = (),
    amount: int = 0,
    visit: Visit | None = None,
) -> Loaded:
    """Load `missing` and `uncounted` in one query; fill the leased ones and seed the uncounted in one round trip.

    `tokens` must have been taken before this call. Whatever the loader raises passes through, after the leases
    were ended and the loader backed off. Without Redis the counts are the totals of the database.
    """
    loaded_ms, lease_ms = source.store.clock(), source.load_times.lease_ms()
    unseeded = list(uncounted)
    try:
        with source.load_times.timed():
            load = source.loader(list(dict.fromkeys([*missing, *unseeded])))
    except BaseException:
        if tokens:
            source.store.release(tokens, source.load_times.backoff_ms())
        raise
    if tokens and source.load_times.last_ms > lease_ms:
        logger.warning(
            "%s took %d ms to load, longer than its lease", source.policy.namespace, source.load_times.last_ms
        )
    totals = {id: load.totals[id] for id in unseeded if id in load.totals}
    bodies = {id: load.bodies.get(id) for id in missing}
    # What a transaction sees may never have been: it seeds nothing unless there is a view to count.
    seeds = bool(family and totals and (amount or may_fill()))
    also = family.seeding(totals, load.applied, amount, visit) if family and seeds else []
    if not tokens and not also:
        return Loaded(load, totals)
    try:
        answers = source.store.fill(bodies, tokens, loaded_ms, generation, also)
    except StoreUnavailable as error:
        if family is None or not amount:
            return Loaded(load, totals)
        return Loaded(load, spilled(family, totals, load.applied, amount, error.unknown))
    return Loaded(load, dict(zip(totals, answers, strict=True)) if also else totals)


def spilled(
    family: CounterFamily, totals: Mapping[Id, int], applied: Iterable[tuple[int, int]], amount: int, unknown: bool
) -> dict[Id, int]:
    """Have the spill take what Redis did not, and return the counts; with what waits in Redis if it still tells that,
    as one does that only takes no writes."""
    counts = {
        id: total + (amount if amount and spill.take(family.name, int(id), amount, unknown) else 0)
        for id, total in totals.items()
    }
    try:
        told = family.seed(totals, applied) if may_fill() else family.live([*totals])
    except REDIS_ERRORS:
        return counts
    return {id: max(count, told.get(id, 0)) for id, count in counts.items()}

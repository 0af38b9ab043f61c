"""Filling entries ahead of traffic: by name, in chunks, within a time budget.

A resource returns the ids that are worth warming. `warm_cache` fills them as a reader would, under leases, so it may
run during traffic, and several times at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from caching.keys import Id
from caching.readthrough.batch import fetch_many
from caching.readthrough.resource import Resource, registry

_CHUNK = 100


@dataclass(slots=True)
class Warmed:
    """What warming one name did: the numbers of entries already stored, entries filled and ids that do not exist, and
    whether the time budget ended it."""

    name: str
    already: int = 0
    filled: int = 0
    missing: int = 0
    out_of_time: bool = False


def names() -> list[str]:
    """Return the names that `warm_cache` knows, in the order in which their resources were declared."""
    return list(registry.worth_warming())


def warm_cache(
    wanted: Sequence[str],
    limit: int,
    budget: float,
    advance: Callable[[str, int], None] = lambda name, count: None,
) -> list[Warmed]:
    """Warm up to `limit` ids of each name within `budget` seconds in all, and return one result for each name.

    `advance` is called with the name and the number of ids after each chunk. Raises KeyError for an unknown name.
    """
    deadline = time.monotonic() + budget
    known = registry.worth_warming()
    return [_warm(known[name], limit, deadline, advance) for name in wanted]


def _warm(resource: Resource, limit: int, deadline: float, advance: Callable[[str, int], None]) -> Warmed:
    done = Warmed(resource.warm_name)
    for chunk in _chunks(resource.worth_warming(limit)):
        if time.monotonic() >= deadline:
            done.out_of_time = True
            break
        batch = fetch_many(resource, chunk)
        done.already += batch.origin.hits + batch.origin.stale
        done.filled += batch.origin.misses
        done.missing += len(set(chunk)) - len(batch.bodies)
        advance(resource.warm_name, len(chunk))
    return done


def _chunks(ids: Iterable[Id]) -> Iterator[list[Id]]:
    iterator = iter(ids)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk

"""Filling entries ahead of traffic: by name, in chunks, within a budget of time.

An app registers what is worth warming; `warm_cache` fills it the way a reader would, under leases, so warming may
run beside traffic and beside itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from caching.counters.family import CounterFamily
from caching.keys import Id
from caching.readthrough.batch import fetch_many
from caching.readthrough.source import Source

_CHUNK = 100


@dataclass(frozen=True, slots=True)
class Warmer:
    """Something worth warming: `ids` yields at most as many ids as it is asked for, the most wanted first."""

    name: str
    source: Source
    ids: Callable[[int], Iterable[Id]]
    family: CounterFamily | None = None


@dataclass(slots=True)
class Warmed:
    """What warming one name did: entries that were there already, entries filled, ids that do not exist, and
    whether the budget ended it."""

    name: str
    already: int = 0
    filled: int = 0
    missing: int = 0
    out_of_time: bool = False


_warmers: dict[str, Warmer] = {}


def register(warmer: Warmer) -> None:
    """Make a warmer known by its name."""
    _warmers[warmer.name] = warmer


def names() -> list[str]:
    """Return the names that `warm_cache` knows, in the order in which they were registered."""
    return list(_warmers)


def of(source: Source) -> list[Warmer]:
    """Return what is registered as worth warming of one source."""
    return [warmer for warmer in _warmers.values() if warmer.source is source]


def warm_cache(
    wanted: Sequence[str],
    limit: int,
    budget: float,
    advance: Callable[[str, int], None] = lambda name, count: None,
) -> list[Warmed]:
    """Warm up to `limit` ids of each name within `budget` seconds in all, and return what was done.

    `advance` is told after each chunk. Raises KeyError for a name that nobody registered.
    """
    deadline = time.monotonic() + budget
    return [_warm(_warmers[name], limit, deadline, advance) for name in wanted]


def _warm(warmer: Warmer, limit: int, deadline: float, advance: Callable[[str, int], None]) -> Warmed:
    done = Warmed(warmer.name)
    for chunk in _chunks(warmer.ids(limit)):
        if time.monotonic() >= deadline:
            done.out_of_time = True
            break
        batch = fetch_many(warmer.source, chunk, warmer.family)
        done.already += batch.hits + batch.stale
        done.filled += batch.misses
        done.missing += len(set(chunk)) - len(batch.bodies)
        advance(warmer.name, len(chunk))
    return done


def _chunks(ids: Iterable[Id]) -> Iterator[list[Id]]:
    iterator = iter(ids)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk

"""The commands of an invalidation and of a clear. Both need only the name of the namespace."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from caching import metrics
from caching.errors import StoreUnavailable
from caching.keys import Id, KeySpace
from caching.redis.round_trip import round_trip
from caching.redis.scripts import Command

# Keys of one DEL; few enough not to delay other commands.
_CHUNK = 500
# The envelope has 32 bits for a generation. The last number means that the generation is unknown.
GENERATIONS = 2**32
UNKNOWN_GENERATION = GENERATIONS - 1


def erase(namespace: str, ids: Sequence[Id]) -> None:
    """Delete entries and their leases, so that no value loaded before can be stored. Raises StoreUnavailable."""
    keys = KeySpace(namespace)
    names = [name for id in ids for name in (keys.lease(id), keys.entry(id))]
    for start in range(0, len(names), _CHUNK):
        _run(namespace, "invalidate", Command(("DEL", *names[start : start + _CHUNK])))
    metrics.INVALIDATIONS.labels(namespace).inc(len(ids))


def erase_all(namespace: str) -> None:
    """Make every entry of the namespace a miss, in O(1): entries carry the generation they were loaded in.

    Raises StoreUnavailable.
    """
    generation = 1 + secrets.randbelow(UNKNOWN_GENERATION - 1)
    _run(namespace, "clear", Command(("SET", KeySpace(namespace).generation, generation)))


def _run(namespace: str, operation: str, command: Command) -> None:
    if round_trip(operation, [command]).cache is None:
        raise StoreUnavailable(f"{operation} of {namespace}")

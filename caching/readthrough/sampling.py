"""Sample bodies of a namespace, for training: cached ones first, and if these are too few, those worth warming."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from caching.entries.dictionaries import by_number
from caching.entries.entry import decode
from caching.errors import BadEntry
from caching.keys import Id, KeySpace
from caching.readthrough.resource import Resource
from caching.redis.connections import client
from caching.redis.errors import REDIS_ERRORS

_CHUNK = 100
# SCAN visits the keys of every namespace, so its steps are large, but they must not delay other commands.
_SCAN_COUNT = 2000

# Called with the number of bodies that were added.
Advance = Callable[[int], None]


def sample(resource: Resource, count: int, advance: Advance = lambda more: None) -> list[bytes]:
    """Return up to `count` bodies. Without Redis, or if too few are cached, they come from the loader."""
    bodies: dict[str, bytes] = {}
    for found in (_cached(resource), _loaded(resource, count)):
        for id, body in found:
            if id not in bodies:
                bodies[id] = body
                advance(1)
            if len(bodies) >= count:
                return list(bodies.values())
    return list(bodies.values())


def _cached(resource: Resource) -> Iterator[tuple[str, bytes]]:
    """Yield ids and bodies of live entries, in the order of Redis' hash table, which is as good as random."""
    pattern = KeySpace(resource.policy.namespace).entry("*")
    redis = client("cache")
    try:
        keys = redis.scan_iter(match=pattern, count=_SCAN_COUNT)
        while chunk := list(islice(keys, _CHUNK)):
            for key, raw in zip(chunk, redis.mget(chunk), strict=True):
                body = _body(resource, raw)
                if body is not None:
                    yield key[len(pattern) - 2 : -1].decode("utf-8", "replace"), body
    except REDIS_ERRORS:
        return


def _body(resource: Resource, raw: bytes | None) -> bytes | None:
    if raw is None:
        return None
    try:
        entry = decode(raw, by_number)
    except BadEntry:
        return None
    return None if entry.negative or entry.schema != resource.policy.schema else entry.body


def _loaded(resource: Resource, count: int) -> Iterator[tuple[str, bytes]]:
    ids = iter(resource.worth_warming(count))
    while chunk := list[Id](islice(ids, _CHUNK)):
        for id, body in resource.loader(chunk).bodies.items():
            yield str(id), body

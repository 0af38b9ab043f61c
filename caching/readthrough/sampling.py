"""Bodies of a namespace to learn from: those that are cached now, and where these are few, those worth warming."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from caching.entries.dictionaries import by_number
from caching.entries.entry import decode
from caching.errors import BadEntry
from caching.keys import Id, KeySpace
from caching.readthrough import warming
from caching.readthrough.source import Source
from caching.redis.connections import client
from caching.redis.errors import REDIS_ERRORS

_CHUNK = 100
# SCAN goes through the keys of every namespace, so it takes big steps; this one takes Redis about a millisecond.
_SCAN_COUNT = 2000

# Is told how many bodies came to those that there are.
Advance = Callable[[int], None]


def sample(source: Source, count: int, advance: Advance = lambda more: None) -> list[bytes]:
    """Return up to `count` bodies. Without Redis, and where too little is cached, they come from the loader."""
    bodies: dict[str, bytes] = {}
    for found in (_cached(source), _loaded(source, count)):
        for id, body in found:
            if id not in bodies:
                bodies[id] = body
                advance(1)
            if len(bodies) >= count:
                return list(bodies.values())
    return list(bodies.values())


def _cached(source: Source) -> Iterator[tuple[str, bytes]]:
    """Yield ids and bodies of live entries, in the order of Redis' hash table, which is as good as a draw."""
    pattern = KeySpace(source.policy.namespace).entry("*")
    redis = client("cache")
    try:
        keys = redis.scan_iter(match=pattern, count=_SCAN_COUNT)
        while chunk := list(islice(keys, _CHUNK)):
            for key, raw in zip(chunk, redis.mget(chunk), strict=True):
                body = _body(source, raw)
                if body is not None:
                    yield key[len(pattern) - 2 : -1].decode("utf-8", "replace"), body
    except REDIS_ERRORS:
        return


def _body(source: Source, raw: bytes | None) -> bytes | None:
    if raw is None:
        return None
    try:
        entry = decode(raw, by_number)
    except BadEntry:
        return None
    return None if entry.negative or entry.schema != source.policy.schema else entry.body


def _loaded(source: Source, count: int) -> Iterator[tuple[str, bytes]]:
    for warmer in warming.of(source):
        ids: Iterator[Any] = iter(warmer.ids(count))
        while chunk := list[Id](islice(ids, _CHUNK)):
            for id, body in source.loader(chunk).bodies.items():
                yield str(id), body

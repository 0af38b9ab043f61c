"""JSON values under names of the caller's own, compressed where that saves memory."""

from __future__ import annotations

from typing import Any

import orjson

from caching import metrics
from caching.entries import codec
from caching.entries.entry import Entry, decode, encode
from caching.errors import BadEntry
from caching.keys import prefix
from caching.redis.connections import client
from caching.redis.errors import REDIS_ERRORS


def set_compressed(key: str, value: Any, ttl: float, threshold: int = codec.FLOOR_BYTES) -> bool:
    """Store a JSON value for `ttl` seconds; from `threshold` bytes on it is compressed. Return whether it was stored.

    A compressed form that is not smaller is not kept. Raises TypeError if the value is not JSON.
    """
    entry = Entry(orjson.dumps(value), False, 0, 0, 0, 0)
    try:
        client("cache").set(_name(key), encode(entry, threshold), px=max(1, round(ttl * 1000)))
    except REDIS_ERRORS:
        return False
    return True


def get_compressed(key: str, default: Any = None) -> Any:
    """Return the value stored under a key; `default` if there is none, it is damaged, or Redis does not answer."""
    try:
        data = client("cache").get(_name(key))
    except REDIS_ERRORS:
        return default
    if data is None:
        return default
    try:
        return orjson.loads(decode(data).body)
    except (BadEntry, orjson.JSONDecodeError):
        metrics.BAD_ENTRIES.labels("compressed").inc()
        return default


def _name(key: str) -> str:
    return f"{prefix()}:z:{key}"

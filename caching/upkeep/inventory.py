"""The inventory of the cache: the entries of each namespace, their memory, and the TTL they have left."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from statistics import mean, median
from typing import Any

from caching.keys import prefix
from caching.redis.connections import client
from caching.redis.scan import Walk, literal

_NAMESPACE = re.compile(rb"\{([a-z][a-z0-9_]*):")
# Keys of each namespace that are measured. SCAN returns keys in no order, so the first ones are a fair sample.
_SAMPLE = 300


@dataclass(slots=True)
class Shelf:
    """The entries of one namespace: their number, and size in bytes and TTL in milliseconds of some of them."""

    entries: int = 0
    sizes: list[int] = field(default_factory=list)
    ttls: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Line:
    """One namespace in numbers: `megabytes` is estimated from a sample, `ttl_seconds` is the sample's median."""

    namespace: str
    entries: int
    bytes_each: int
    megabytes: float
    ttl_seconds: int


@dataclass(frozen=True, slots=True)
class Inventory:
    """All namespaces that have entries. If the budget ended the count, `complete` is False and the numbers cover only
    the keys that were met."""

    lines: list[Line]
    complete: bool

    def as_dict(self) -> dict[str, Any]:
        """Return {"complete": ..., "namespaces": [a dict for each line]}, for JSON."""
        return {"complete": self.complete, "namespaces": [asdict(line) for line in self.lines]}


def take(seconds: float, keys: int) -> Inventory:
    """Count entries for at most `seconds`, and at most `keys` keys. Raises `REDIS_ERRORS`."""
    redis = client("cache")
    walk = Walk(redis, f"{literal(prefix())}:c:*", seconds, keys)
    shelves: dict[str, Shelf] = {}
    for names in walk:
        for namespace, ones in _by_namespace(names).items():
            shelf = shelves.setdefault(namespace, Shelf())
            shelf.entries += len(ones)
            _measure(redis, shelf, ones[: _SAMPLE - len(shelf.sizes)])
    return Inventory([_line(name, shelf) for name, shelf in sorted(shelves.items())], walk.complete)


def _by_namespace(names: list[bytes]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for name in names:
        if match := _NAMESPACE.search(name):
            found.setdefault(match[1].decode(), []).append(name)
    return found


def _measure(redis: Any, shelf: Shelf, names: list[bytes]) -> None:
    pipeline = redis.pipeline(transaction=False)
    for name in names:
        pipeline.memory_usage(name)
        pipeline.pttl(name)
    answers = pipeline.execute()
    shelf.sizes += [size for size in answers[::2] if size]
    shelf.ttls += [ttl for ttl in answers[1::2] if ttl >= 0]


def _line(namespace: str, shelf: Shelf) -> Line:
    each = mean(shelf.sizes or [0])
    ttl = median(shelf.ttls or [0])
    return Line(namespace, shelf.entries, round(each), round(shelf.entries * each / 1024**2, 2), round(ttl / 1000))

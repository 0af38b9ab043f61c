"""The sweep: removes the keys of the cache that no read can use from Redis.

Such an entry is of a namespace that was cleared or is not registered, has another schema, is no envelope of ours, or
shows a row that is gone. A key without a TTL is removed too, because it would stay for ever. Deleting an entry is
always safe: the next read is a miss. State (`n`, `d`, `g`), queues and keys of others are not read.
"""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from caching.entries.entry import FORMAT, HEADER_BYTES
from caching.ids import row_id
from caching.keys import Id, prefix
from caching.readthrough.resource import Resource, registry
from caching.redis.connections import client, pool
from caching.redis.scan import Walk, literal
from caching.redis.scripts import script

# Kinds of keys, see `caching.keys`: entries, leases and what belongs to them, `set_compressed`, throttles.
_KINDS = "clwkzt"
_ENVELOPES = b"cz"
_ENTRY = re.compile(rb"c:\{([a-z][a-z0-9_]*):(.*)\}\Z", re.DOTALL)
# The beginning of the header in `entry`: format, codec, flags, schema, generation.
_BEGINNING = struct.Struct(">BBBxHI")
_NEGATIVE = 1
# Rows that one sweep looks up for each namespace, drawn at random; each lookup is a load.
_ROWS = 2000
_LOAD_CHUNK = 100


class Key(NamedTuple):
    """A key as the sweep read it. `rest` is its name after the prefix, `head` the header of its value, b"" if it has
    none, and `ttl_ms` its TTL (-1: none)."""

    name: bytes
    rest: bytes
    head: bytes
    ttl_ms: int


@dataclass(slots=True)
class Removed:
    """How many keys were removed for one reason, and the memory they took."""

    keys: int = 0
    bytes: int = 0


@dataclass(slots=True)
class Sample:
    """A uniform random sample of the entries that hold rows: reservoir sampling, algorithm R (Vitter, 1985)."""

    seen: int = 0
    drawn: list[tuple[int, Key]] = field(default_factory=list)

    def offer(self, id: int, key: Key) -> None:
        self.seen += 1
        if len(self.drawn) < _ROWS:
            self.drawn.append((id, key))
        elif (place := random.randrange(self.seen)) < _ROWS:
            self.drawn[place] = (id, key)


class Sweep:
    """One sweep over the cache's keys, within `seconds` and `keys`, from `cursor` on."""

    def __init__(self, seconds: float, keys: int, cursor: int = 0) -> None:
        self.removed: dict[str, Removed] = {}
        self.rows_checked = 0
        self._redis = client("cache")
        self._stem = f"{prefix()}:".encode()
        self._walk = Walk(self._redis, f"{literal(prefix())}:[{_KINDS}]:*", seconds, keys, cursor)
        self._resources = {name: registry.get(name) for name in registry.namespaces()}
        self._samples: dict[str, Sample] = {}

    def run(self) -> None:
        """Remove what no read can use. Raises what Redis or a loader raises; `stats` says what was removed before."""
        for names in self._walk:
            self._sweep(self._peek(names))
        for namespace, sample in self._samples.items():
            self._check_rows(self._resources[namespace], sample.drawn)

    def stats(self) -> dict[str, Any]:
        """Return what was done, as docs/jobs.md lists it; the next sweep starts at `scan_cursor`."""
        return {
            "scanned": self._walk.met,
            "scan_complete": self._walk.complete,
            # As text, since a cursor has 64 bits and a number in JSON 53.
            "scan_cursor": str(self._walk.cursor),
            "rows_checked": self.rows_checked,
            "removed": {why: {"keys": one.keys, "bytes": one.bytes} for why, one in sorted(self.removed.items())},
        }

    def _peek(self, names: Sequence[bytes]) -> list[Key]:
        pipeline = self._redis.pipeline(transaction=False)
        for name in names:
            pipeline.getrange(name, 0, HEADER_BYTES - 1)
            pipeline.pttl(name)
        answers = pipeline.execute(raise_on_error=False)
        # A key that is not a string answers with an error; one that was just deleted has a TTL of -2.
        return [
            Key(name, name.removeprefix(self._stem), head if isinstance(head, bytes) else b"", ttl)
            for name, head, ttl in zip(names, answers[::2], answers[1::2], strict=True)
            if ttl != -2
        ]

    def _sweep(self, batch: Sequence[Key]) -> None:
        generations = self._generations(batch)
        doomed: dict[str, list[Key]] = {}
        for key in batch:
            reason = self._reason(key, generations)
            if reason is None and key.ttl_ms == -1:
                reason = "without_ttl"
            if reason is not None:
                doomed.setdefault(reason, []).append(key)
            elif row := self._row(key):
                self._samples.setdefault(row[0], Sample()).offer(row[1], key)
        for reason, ones in doomed.items():
            self._discard(reason, ones)

    def _generations(self, batch: Sequence[Key]) -> dict[str, int]:
        # Read after the entries, so no entry has a newer generation: one that differs is from before a clear.
        present = {match[1].decode() for key in batch if (match := _ENTRY.match(key.rest))}
        return {name: self._resources[name].store.read([]).generation for name in present & self._resources.keys()}

    def _reason(self, key: Key, generations: Mapping[str, int]) -> str | None:
        """Return why no read can use a key; None if one may, or if the key is of a kind that is not judged here."""
        if key.rest[0] not in _ENVELOPES:
            return None
        if len(key.head) < HEADER_BYTES or key.head[0] != FORMAT:
            return "bad_header"
        match = _ENTRY.match(key.rest)
        if match is None:
            return None
        resource = self._resources.get(match[1].decode())
        if resource is None:
            return "not_registered"
        _, _, _, schema, generation = _BEGINNING.unpack_from(key.head)
        if schema != resource.policy.schema:
            return "other_schema"
        return "other_generation" if generation != generations[resource.policy.namespace] else None

    def _row(self, key: Key) -> tuple[str, int] | None:
        """Return namespace and id of an entry that holds a row, else None. Ids of pages and calls are no numbers."""
        match = _ENTRY.match(key.rest)
        id = row_id(match[2]) if match is not None else None
        if match is None or id is None or key.head[2] & _NEGATIVE:
            return None
        return match[1].decode(), id

    def _check_rows(self, resource: Resource, drawn: Sequence[tuple[int, Key]]) -> None:
        for start in range(0, len(drawn), _LOAD_CHUNK):
            if self._walk.out_of_time:
                return
            chunk = drawn[start : start + _LOAD_CHUNK]
            ids: list[Id] = [id for id, _ in chunk]
            there = resource.loader(ids).bodies
            self.rows_checked += len(ids)
            self._discard("row_gone", [key for id, key in chunk if id not in there])

    def _discard(self, reason: str, ones: Iterable[Key]) -> None:
        code = script("discard")
        guard = "1" if reason == "without_ttl" else "0"
        calls = [code.command((key.name,), key.head, HEADER_BYTES, guard) for key in ones]
        if not calls:
            return
        freed = pool("cache").call(calls)
        removed = self.removed.setdefault(reason, Removed())
        removed.keys += sum(1 for size in freed if size)
        removed.bytes += sum(freed)

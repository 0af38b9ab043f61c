"""How entries lie in Redis: the only file that reads, fills and invalidates them.

A miss takes a lease on the key before it loads; a fill is a compare-and-set on that lease; an invalidation
deletes entry and lease in one command. A value loaded before an invalidation therefore finds its lease gone
and is refused, and a lease lost to eviction or a flush refuses the fill too, which is safe.
("Scaling Memcache at Facebook", NSDI 2013, section 3.2.1.)
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from caching import metrics
from caching.clock import Clock, system_ms
from caching.connections import RedisUnavailable, client, one_server
from caching.entry import BadEntry, Entry, decode, encode
from caching.keys import Id, KeySpace
from caching.policy import Policy
from caching.scripts import Script, run, script

logger = logging.getLogger(__name__)

# One DEL of this many keys takes Redis well under a millisecond.
_DELETE_CHUNK = 500
_GENERATIONS = 2**32


class StoreUnavailable(Exception):
    """Redis did not answer; the caller goes to PostgreSQL and fills nothing."""


class Also(NamedTuple):
    """Commands on the state role that ride along with a read: how to queue them and which scripts they call."""

    queue: Callable[[Any], None]
    scripts: list[Script]


class Reading(NamedTuple):
    """What one read found: usable entries by id, the generation they were read in, and the answers to `Also`."""

    entries: dict[Id, Entry]
    generation: int
    also: list[Any]


class Store:
    """Entries of one policy."""

    def __init__(self, policy: Policy, clock: Clock = system_ms) -> None:
        self.policy = policy
        self.clock = clock
        self._keys = KeySpace(policy.namespace)

    def read(self, ids: Sequence[Id], also: Also | None = None) -> Reading:
        """Return what is stored under the ids in one round trip (two if cache and state are two servers).

        Entries that are damaged or of another schema or generation are left out. Raises StoreUnavailable.
        """
        names = [self._keys.generation, *map(self._keys.entry, ids)]
        try:
            values, answers = self._round_trip(names, also)
        except RedisUnavailable as error:
            raise self._unavailable("read", error) from error
        generation = int(values[0] or 0)
        found = {
            id: entry
            for id, raw in zip(ids, values[1:], strict=True)
            if raw is not None and (entry := self._usable(raw, generation)) is not None
        }
        return Reading(found, generation, answers)

    def lease(self, ids: Sequence[Id]) -> dict[Id, str]:
        """Return tokens for those ids whose lease nobody holds, in one round trip. Raises StoreUnavailable."""
        tokens = {id: secrets.token_hex(8) for id in ids}
        pipeline = client("cache").pipeline(transaction=False)
        for id, token in tokens.items():
            pipeline.set(self._keys.lease(id), token, nx=True, px=round(self.policy.lease * 1000))
        try:
            answers = pipeline.execute()
        except RedisUnavailable as error:
            raise self._unavailable("lease", error) from error
        return {id: token for (id, token), taken in zip(tokens.items(), answers, strict=True) if taken}

    def fill(
        self,
        bodies: Mapping[Id, bytes | None],
        tokens: Mapping[Id, str],
        loaded_ms: int,
        generation: int,
        also: Also | None = None,
    ) -> list[Any]:
        """Store the loaded values whose lease still stands; None is stored as missing. Return the answers to `also`.

        `loaded_ms` is when the load began, `generation` what was read before it. Raises StoreUnavailable.
        """
        pipeline = client("cache").pipeline(transaction=False)
        fill = script("fill")
        leased = [id for id in bodies if id in tokens]
        for id in leased:
            data, ttl = self._encode(bodies[id], loaded_ms, generation)
            fill.queue(pipeline, [self._keys.lease(id), self._keys.entry(id)], [tokens[id], data, ttl])
        try:
            stored, answers = self._execute(pipeline, len(leased), [fill], also)
        except RedisUnavailable as error:
            raise self._unavailable("fill", error) from error
        accepted = sum(map(int, stored))
        metrics.FILLS.labels(self.policy.namespace, "stored").inc(accepted)
        metrics.FILLS.labels(self.policy.namespace, "refused").inc(len(leased) - accepted)
        return answers

    def release(self, tokens: Mapping[Id, str]) -> None:
        """Give leases back after a load that failed, so that the next reader need not wait them out."""
        pipeline = client("cache").pipeline(transaction=False)
        for id, token in tokens.items():
            script("release").queue(pipeline, [self._keys.lease(id)], [token])
        try:
            run(client("cache"), pipeline, [script("release")])
        except RedisUnavailable as error:
            self._unavailable("release", error)

    def invalidate(self, ids: Sequence[Id]) -> None:
        """Delete the entries and their leases. Raises StoreUnavailable: then old values may still be served."""
        names = [name for id in ids for name in (self._keys.lease(id), self._keys.entry(id))]
        try:
            for start in range(0, len(names), _DELETE_CHUNK):
                client("cache").delete(*names[start : start + _DELETE_CHUNK])
        except RedisUnavailable as error:
            raise self._unavailable("invalidate", error) from error
        metrics.INVALIDATIONS.labels(self.policy.namespace).inc(len(ids))

    def clear(self) -> None:
        """Make every entry of the namespace a miss, in O(1): entries carry the generation they were loaded in."""
        generation = 1 + secrets.randbelow(_GENERATIONS - 1)
        try:
            client("cache").set(self._keys.generation, generation)
        except RedisUnavailable as error:
            raise self._unavailable("clear", error) from error

    def _usable(self, raw: bytes, generation: int) -> Entry | None:
        try:
            entry = decode(raw)
        except BadEntry as error:
            metrics.BAD_ENTRIES.labels(self.policy.namespace).inc()
            logger.warning("bad %s entry: %s", self.policy.namespace, error)
            return None
        current = entry.schema == self.policy.schema and entry.generation == generation
        return entry if current else None

    def _encode(self, body: bytes | None, loaded_ms: int, generation: int) -> tuple[bytes, int]:
        negative = body is None
        entry = Entry(
            body or b"", negative, self.policy.schema, generation, loaded_ms, self.policy.soft_ms(negative)
        )
        return encode(entry), self.policy.expire_ms(negative)

    def _round_trip(self, names: list[str], also: Also | None) -> tuple[list[bytes | None], list[Any]]:
        if also is None:
            values: list[bytes | None] = client("cache").mget(names)
            return values, []
        pipeline = client("cache").pipeline(transaction=False)
        pipeline.mget(names)
        (values,), answers = self._execute(pipeline, 1, [], also)
        return values, answers

    def _execute(
        self, pipeline: Any, size: int, scripts: list[Script], also: Also | None
    ) -> tuple[list[Any], list[Any]]:
        """Run the first `size` commands and those of `also`: together where both roles are one server."""
        if also is None:
            return (run(client("cache"), pipeline, scripts) if size else []), []
        if one_server():
            also.queue(pipeline)
            answers = run(client("cache"), pipeline, scripts + also.scripts)
            return answers[:size], answers[size:]
        first = run(client("cache"), pipeline, scripts) if size else []
        state = client("state").pipeline(transaction=False)
        also.queue(state)
        return first, run(client("state"), state, also.scripts)

    def _unavailable(self, operation: str, error: BaseException) -> StoreUnavailable:
        metrics.REDIS_FAILURES.labels(operation).inc()
        logger.warning("Redis did not answer %s of %s: %s", operation, self.policy.namespace, error)
        return StoreUnavailable(f"{operation} of {self.policy.namespace}")

"""How entries lie in Redis: the only file that reads, fills and invalidates them.

A miss takes a lease on the key before it loads; a fill is a compare-and-set on that lease; an invalidation
deletes entry and lease in one command. A value loaded before an invalidation therefore finds its lease gone
and is refused, and a lease lost to eviction or a flush refuses the fill too, which is safe.
("Scaling Memcache at Facebook", NSDI 2013, section 3.2.1.)
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from caching import metrics
from caching.clock import Clock, system_ms
from caching.entry import BadEntry, Entry, decode, encode
from caching.keys import Id, KeySpace
from caching.policy import Policy
from caching.round_trip import Commands, round_trip
from caching.scripts import script

logger = logging.getLogger(__name__)

# One DEL of this many keys takes Redis well under a millisecond.
_DELETE_CHUNK = 500
_GENERATIONS = 2**32


class StoreUnavailable(Exception):
    """Redis did not answer; the caller goes to PostgreSQL and fills nothing."""


class Reading(NamedTuple):
    """What one read found: usable entries by id, the generation they were read in, and the answers to `also`.

    Where cache and state are two servers, one may be away: then `reachable` is False, or `also` is None, which means
    that nobody knows whether its commands ran.
    """

    entries: dict[Id, Entry]
    generation: int
    also: list[Any] | None
    reachable: bool = True


class Store:
    """Entries of one policy."""

    def __init__(self, policy: Policy, clock: Clock = system_ms) -> None:
        self.policy = policy
        self.clock = clock
        self._keys = KeySpace(policy.namespace)

    def read(self, ids: Sequence[Id], also: Commands | None = None) -> Reading:
        """Return what is stored under the ids in one round trip (two if cache and state are two servers).

        Entries that are damaged or of another schema or generation are left out. Raises StoreUnavailable.
        """
        names = [self._keys.generation, *map(self._keys.entry, ids)]
        answers = round_trip("read", Commands(lambda pipeline: pipeline.mget(names), []), also)
        if answers.cache is None:
            if answers.state is None:
                raise StoreUnavailable(f"read of {self.policy.namespace}")
            return Reading({}, 0, answers.state, reachable=False)
        (values,) = answers.cache
        generation = self._generation(values[0])
        found = {
            id: entry
            for id, raw in zip(ids, values[1:], strict=True)
            if raw is not None and (entry := self._usable(raw, generation)) is not None
        }
        return Reading(found, generation, answers.state)

    def lease(self, ids: Sequence[Id], background: Collection[Id] = ()) -> dict[Id, str]:
        """Return tokens for those ids whose lease was to be had, in one round trip. Raises StoreUnavailable.

        Those in `background` are for a task: such a lease yields to a reader who finds nothing and loads at once.
        """
        tokens = {id: ("b" if id in background else "r") + secrets.token_hex(8) for id in ids}
        ttl = round(self.policy.lease * 1000)

        def queue(pipeline: Any) -> None:
            for id, token in tokens.items():
                script("lease").queue(pipeline, [self._keys.lease(id)], [token, ttl])

        taken = self._run("lease", Commands(queue, [script("lease")]))
        return {id: token for (id, token), mine in zip(tokens.items(), taken, strict=True) if mine}

    def fill(
        self,
        bodies: Mapping[Id, bytes | None],
        tokens: Mapping[Id, str],
        loaded_ms: int,
        generation: int,
        also: Commands | None = None,
    ) -> list[Any]:
        """Store the loaded values whose lease still stands; None is stored as missing. Return the answers to `also`.

        `loaded_ms` is when the load began, `generation` what was read before it. Raises StoreUnavailable.
        """
        leased = [id for id in bodies if id in tokens]

        def queue(pipeline: Any) -> None:
            for id in leased:
                data, ttl = self._encode(bodies[id], loaded_ms, generation)
                script("fill").queue(pipeline, [self._keys.lease(id), self._keys.entry(id)], [tokens[id], data, ttl])

        answers = round_trip("fill", Commands(queue, [script("fill")]), also)
        stored = sum(map(int, answers.cache or []))
        metrics.FILLS.labels(self.policy.namespace, "stored").inc(stored)
        metrics.FILLS.labels(self.policy.namespace, "refused").inc(len(leased) - stored)
        if answers.state is None:
            raise StoreUnavailable(f"fill of {self.policy.namespace}")
        return answers.state

    def release(self, tokens: Mapping[Id, str]) -> None:
        """Give leases back after a load that failed, so that the next reader need not wait them out."""

        def queue(pipeline: Any) -> None:
            for id, token in tokens.items():
                script("release").queue(pipeline, [self._keys.lease(id)], [token])

        round_trip("release", Commands(queue, [script("release")]))

    def invalidate(self, ids: Sequence[Id]) -> None:
        """Delete the entries and their leases. Raises StoreUnavailable: then old values may still be served."""
        names = [name for id in ids for name in (self._keys.lease(id), self._keys.entry(id))]
        for start in range(0, len(names), _DELETE_CHUNK):
            self._run("invalidate", _deletion(names[start : start + _DELETE_CHUNK]))
        metrics.INVALIDATIONS.labels(self.policy.namespace).inc(len(ids))

    def clear(self) -> None:
        """Make every entry of the namespace a miss, in O(1): entries carry the generation they were loaded in."""
        generation = 1 + secrets.randbelow(_GENERATIONS - 1)
        self._run("clear", Commands(lambda pipeline: pipeline.set(self._keys.generation, generation), []))

    def _generation(self, raw: bytes | None) -> int:
        if raw is None:
            return 0
        if raw.isdigit() and len(raw) <= 10 and int(raw) < _GENERATIONS:
            return int(raw)
        metrics.BAD_ENTRIES.labels(self.policy.namespace).inc()
        return 0

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

    def _run(self, operation: str, commands: Commands) -> list[Any]:
        answers = round_trip(operation, commands).cache
        if answers is None:
            raise StoreUnavailable(f"{operation} of {self.policy.namespace}")
        return answers


def _deletion(names: list[str]) -> Commands:
    return Commands(lambda pipeline: pipeline.delete(*names), [])

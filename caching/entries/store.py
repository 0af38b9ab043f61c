"""The entries of a namespace in Redis: the only module that reads, leases and fills them.

A miss takes a lease on the key before it loads. A fill is a compare-and-set on that lease, and an invalidation deletes
entry and lease in one command. So a value loaded before an invalidation is refused, because its lease is gone. A lease
lost to eviction or a flush refuses the fill too, which is safe. ("Scaling Memcache at Facebook", NSDI 2013, 3.2.1.)
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from caching import metrics
from caching.clock import Clock, system_ms
from caching.entries import dictionaries
from caching.entries.entry import Entry, encode
from caching.entries.erasure import GENERATIONS, UNKNOWN_GENERATION, erase_all
from caching.entries.journal import journal
from caching.entries.policy import Policy
from caching.entries.read_result import ReadResult
from caching.errors import StoreUnavailable
from caching.keys import Id, KeySpace
from caching.redis.connections import pool
from caching.redis.errors import REDIS_ERRORS
from caching.redis.round_trip import round_trip
from caching.redis.scripts import Command, script

# How many readers of a process may block in Redis at once. One beyond them sleeps this long before it reads again.
_blocking = threading.BoundedSemaphore(24)
_NAP_SECONDS = 0.05


class Leases(dict[Id, str]):
    """Tokens by id of the leases that were taken.

    For ids without one, `backed_off` has the ms for which their failed loader is not called, by id; `filled` are those
    whose entry another caller has filled meanwhile.
    """

    def __init__(self, tokens: Iterable[tuple[Id, str]] = ()) -> None:
        super().__init__(tokens)
        self.backed_off: dict[Id, int] = {}
        self.filled: set[Id] = set()


class Store:
    """Entries of one policy, by seven verbs. A miss is read, leased, loaded by the caller, and filled.

    `read` what is stored; `lease` what is missing, so that one caller loads each key (single flight); `wait` for the
    lease of another process; `fill` what was loaded, by compare-and-set on the lease; `renew` a lease before a late
    load; `release` it after a failed one; `clear` the whole namespace. An erasure (`caching.entries.erasure`) removes
    entry and lease. While Redis is away each raises StoreUnavailable, except `release`: its leases expire anyway.
    """

    def __init__(self, policy: Policy, clock: Clock = system_ms) -> None:
        self.policy = policy
        self.clock = clock
        self.keys = KeySpace(policy.namespace)

    def read(self, ids: Sequence[Id], riders: Sequence[Command] = ()) -> ReadResult:
        """Return what is stored under the ids in one round trip (two if cache and state are two servers).

        `riders` are counter commands for the same round trip. Raises StoreUnavailable.
        """
        journal.ensure_checked()
        replies = round_trip("read", [self.read_command(ids)], riders)
        if replies.cache is None:
            if not replies.state:
                raise StoreUnavailable(f"read of {self.policy.namespace}", replies.unknown)
            return self.unreachable(replies.state)
        return self.read_result(ids, replies.cache[0], replies.state, replies.unknown)

    def read_command(self, ids: Iterable[Id]) -> Command:
        """Return the command that reads the entries; `read_result` takes its reply."""
        stem = self.keys.entry_stem
        return Command(("MGET", self.keys.generation, *[f"{stem}{id}}}" for id in ids]))

    def read_result(
        self, ids: Sequence[Id], values: list[bytes | None], replies: list[Any] | None, unknown: bool = False
    ) -> ReadResult:
        """Return the result of a read: `values` is the reply to `read_command`, `replies` those to the riders."""
        generation = 0 if values[0] is None else self._generation(values[0])
        return ReadResult(self.policy, self.clock, ids, generation, values[1:], replies, unknown)

    def unreachable(self, replies: list[Any] | None, unknown: bool = False) -> ReadResult:
        """Return the result of a read that the cache did not answer: only the replies to the riders."""
        return ReadResult(self.policy, self.clock, (), UNKNOWN_GENERATION, (), replies, unknown, reachable=False)

    def lease(
        self,
        ids: Sequence[Id],
        background: Collection[Id] = (),
        ttl_ms: int | None = None,
        wait_ms: int = 0,
        saw_nothing: bool = False,
    ) -> Leases:
        """Return tokens for those ids whose lease was free, in one round trip. Raises StoreUnavailable.

        Leases of ids in `background` are for a task; a reader that finds no entry takes such a lease over.
        With `wait_ms` the caller can `wait` for a lease that it did not get, and is woken if it ends within that time.
        `saw_nothing` means that the caller's read found nothing under any of the keys: an entry that is there now was
        filled since, so its id is in `filled` and is not leased.
        """
        keys, lease, stamp = self.keys, script("lease"), secrets.token_hex(8)
        # A token is compared under its own key only, so the ids of one call may share one.
        tokens = {id: ("b" if id in background else "r") + stamp for id in ids}
        options = (ttl_ms or round(self.policy.lease * 1000), wait_ms, int(saw_nothing))
        commands = [
            lease.command((keys.lease(id), keys.waiters(id), keys.entry(id)), token, *options)
            for id, token in tokens.items()
        ]
        replies = self._run("lease", commands)
        replied = list(zip(tokens.items(), replies, strict=True))
        leases = Leases((id, token) for (id, token), answer in replied if answer == 1)
        leases.backed_off = {id: -answer for (id, _), answer in replied if answer < 0}
        leases.filled = {id for (id, _), answer in replied if answer == 2}
        return leases

    def wait(self, id: Id, ms: int) -> None:
        """Block until the lease of an id has ended, for at most `ms` milliseconds. Raises StoreUnavailable."""
        # Redis 6.2 treats a timeout of 0.001 s as no timeout.
        seconds = max(ms, 2) / 1000
        if not _blocking.acquire(blocking=False):
            # A blocked reader holds a connection, and other readers need some.
            time.sleep(min(seconds, _NAP_SECONDS))
            return
        try:
            pool("cache").call([Command(("BLPOP", self.keys.wake(id), f"{seconds:.3f}"))], patience=seconds)
        except REDIS_ERRORS as error:
            raise StoreUnavailable(f"wait for {self.policy.namespace}") from error
        finally:
            _blocking.release()

    def fill(
        self,
        bodies: Mapping[Id, bytes | None],
        tokens: Mapping[Id, str],
        loaded_ms: int,
        generation: int,
        riders: Sequence[Command] = (),
    ) -> list[Any]:
        """Store the loaded values whose lease is still held, None as a negative entry; return the replies to `riders`.

        `loaded_ms` is when the load began, in ms since the epoch, and `generation` the one read before it. Raises
        StoreUnavailable if the server of the riders did not answer.
        """
        leased = [id for id in bodies if id in tokens]
        fills = [*self._fills(leased, bodies, tokens, loaded_ms, generation)]
        replies = round_trip("fill", fills, riders)
        if replies.cache is not None:
            stored = sum(replies.cache)
            metrics.FILLS.labels(self.policy.namespace, "stored").inc(stored)
            metrics.FILLS.labels(self.policy.namespace, "refused").inc(len(leased) - stored)
        if replies.state is None:
            raise StoreUnavailable(f"fill of {self.policy.namespace}", replies.unknown)
        return replies.state

    def renew(self, tokens: Mapping[Id, str], ttl_ms: int) -> dict[Id, str]:
        """Restart the time of those leases that are still held, and return them. Raises StoreUnavailable."""
        renew = script("renew")
        replies = self._run("renew", [renew.command((self.keys.lease(id),), tokens[id], ttl_ms) for id in tokens])
        return {id: token for (id, token), stands in zip(tokens.items(), replies, strict=True) if stands}

    def release(self, tokens: Mapping[Id, str], backoff_ms: int = 0) -> None:
        """End leases after a load that failed; for `backoff_ms` no caller can take them."""
        keys, release = self.keys, script("release")
        round_trip(
            "release",
            [
                release.command((keys.lease(id), keys.waiters(id), keys.wake(id)), token, backoff_ms)
                for id, token in tokens.items()
            ],
        )

    def clear(self) -> None:
        """Make every entry of the namespace a miss, in O(1). Raises StoreUnavailable."""
        erase_all(self.policy.namespace)

    def _generation(self, raw: bytes) -> int:
        if raw.isdigit() and len(raw) <= 10 and int(raw) < GENERATIONS:
            return int(raw)
        # The generation before the damage is unknown, so a new one makes every entry a miss.
        metrics.BAD_ENTRIES.labels(self.policy.namespace).inc()
        with contextlib.suppress(StoreUnavailable):
            self.clear()
        return UNKNOWN_GENERATION

    def _fills(
        self,
        ids: Iterable[Id],
        bodies: Mapping[Id, bytes | None],
        tokens: Mapping[Id, str],
        loaded_ms: int,
        generation: int,
    ) -> Iterator[Command]:
        policy, keys, fill = self.policy, self.keys, script("fill")
        dictionary = dictionaries.current(policy.namespace)
        for id in ids:
            body = bodies[id]
            negative = body is None
            entry = Entry(body or b"", negative, policy.schema, generation, loaded_ms, policy.soft_ms(negative))
            data = encode(entry, dictionary=dictionary)
            names = (keys.lease(id), keys.entry(id), keys.waiters(id), keys.wake(id))
            yield fill.command(names, tokens[id], data, policy.expire_ms(negative))

    def _run(self, operation: str, commands: Sequence[Command]) -> list[Any]:
        replies = round_trip(operation, commands).cache
        if replies is None:
            raise StoreUnavailable(f"{operation} of {self.policy.namespace}")
        return replies

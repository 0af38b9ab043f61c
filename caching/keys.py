"""The grammar of every Redis key of the layer.

    <prefix>:c:{<namespace>:<id>}      an entry                         has a TTL
    <prefix>:l:{<namespace>:<id>}      the lease of that entry          has a TTL
    <prefix>:w:{<namespace>:<id>}      how many wait for that lease     has a TTL
    <prefix>:k:{<namespace>:<id>}      the list that wakes them         has a TTL
    <prefix>:g:<namespace>             the generation of a namespace    state, no TTL
    <prefix>:n:{<family>:<shard>}:…    counters, see `buckets`          state, no TTL
                                       live counts, see `counters`      have a TTL
    <prefix>:d:{<family>:<shard>}:…    deadlines, see `deadlines`       state, no TTL
    <prefix>:z:…                       values of `set_compressed`       have a TTL
    <prefix>:t:…                       throttles of the API             have a TTL

Keys that one script touches share what stands in braces, and so a slot of Redis Cluster.
"""

from __future__ import annotations

from functools import cached_property

from caching.conf import conf

Id = int | str


def prefix() -> str:
    """Return the first part of every key of this deployment."""
    return conf().key_prefix


class KeySpace:
    """Builds the keys of one namespace."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace

    @cached_property
    def generation(self) -> str:
        return f"{prefix()}:g:{self._namespace}"

    @cached_property
    def entry_stem(self) -> str:
        """What stands before the id in the key of an entry; `}` follows the id."""
        return self._stem("c")

    def entry(self, id: Id) -> str:
        return f"{self.entry_stem}{id}}}"

    def lease(self, id: Id) -> str:
        return f"{self._lease}{id}}}"

    def waiters(self, id: Id) -> str:
        return f"{self._waiters}{id}}}"

    def wake(self, id: Id) -> str:
        return f"{self._wake}{id}}}"

    @cached_property
    def _lease(self) -> str:
        return self._stem("l")

    @cached_property
    def _waiters(self) -> str:
        return self._stem("w")

    @cached_property
    def _wake(self) -> str:
        return self._stem("k")

    def _stem(self, kind: str) -> str:
        return f"{prefix()}:{kind}:{{{self._namespace}:"

"""The grammar of every Redis key of the layer.

The text in braces is the hash tag: the keys that one script uses share it, and so lie in one slot of Redis Cluster.
"""

#   <prefix>:c:{<namespace>:<id>}      an entry                              has a TTL
#   <prefix>:l:{<namespace>:<id>}      the lease of that entry               has a TTL
#   <prefix>:w:{<namespace>:<id>}      number of readers waiting for it      has a TTL
#   <prefix>:k:{<namespace>:<id>}      the list that wakes them              has a TTL
#   <prefix>:g:<namespace>             the generation of a namespace         state, no TTL
#   <prefix>:n:{<family>:<shard>}:…    buckets, see `counters.buckets`       state, no TTL
#                                      live counts, see `counters.family`    have a TTL
#   <prefix>:d:{<family>:<shard>}:…    deadlines, see `deadlines.shards`     state, no TTL
#   <prefix>:z:…                       values of `set_compressed`            have a TTL
#   <prefix>:t:…                       throttles of the API                  have a TTL

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
        """The part of an entry's key before the id; `}` follows the id."""
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

"""The numbers of one kind of cache entry: how long it is fresh, how long it may be served, how it is leased."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

# An entry has 32 bits for the milliseconds for which it is fresh.
_MAX_FRESH_SECONDS = 49 * 24 * 3600
_NAMESPACE = re.compile(r"[a-z][a-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Policy:
    """One kind of entry. All times are seconds.

    Until `soft_ttl` an entry is fresh; from then until `hard_ttl` it is stale: answered at once while one task
    refreshes it. A row that does not exist is remembered as missing for `negative_ttl`. `lease` is how long a dead
    loader blocks its key at most (shorter once loads have been measured), and `wait` how long readers wait at most for
    a load of another process. Redis' TTL is shortened at random by up to the part `jitter` of it. Raise `schema`
    whenever the shape of the value changes: entries of another schema are misses.
    """

    namespace: str
    soft_ttl: float
    hard_ttl: float
    negative_ttl: float = 10.0
    jitter: float = 0.1
    lease: float = 4.0
    wait: float = 6.0
    schema: int = 1

    def __post_init__(self) -> None:
        if not _NAMESPACE.match(self.namespace):
            raise ValueError(f"namespace {self.namespace!r}: use lower-case letters, digits and underscores")
        if not 0 < self.soft_ttl <= self.hard_ttl:
            raise ValueError(f"{self.namespace}: need 0 < soft_ttl <= hard_ttl")
        if max(self.soft_ttl, self.negative_ttl) > _MAX_FRESH_SECONDS:
            raise ValueError(f"{self.namespace}: an entry cannot be fresh for more than {_MAX_FRESH_SECONDS} s")
        if not (self.negative_ttl > 0 and 0 <= self.jitter < 1 and self.lease > 0 and self.wait >= 0):
            raise ValueError(f"{self.namespace}: negative_ttl, lease and wait are seconds, jitter is a part of 1")

    def soft_ms(self, negative: bool) -> int:
        """Return for how many milliseconds after its load an entry is fresh."""
        return round(1000 * (self.negative_ttl if negative else self.soft_ttl))

    def expire_ms(self, negative: bool) -> int:
        """Return Redis' TTL in milliseconds: the hard TTL less some jitter, so that entries filled together do
        not expire together and none is served past its hard TTL."""
        seconds = self.negative_ttl if negative else self.hard_ttl
        return max(1, round(1000 * seconds * (1 - random.random() * self.jitter)))

"""Where an answer came from, in the terms of RFC 9211: hit, stale or miss."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class State(enum.StrEnum):
    """Where one entry came from."""

    HIT = "hit"
    STALE = "stale"
    MISS = "miss"


@dataclass(slots=True)
class Origin:
    """Where the parts of an answer came from: how many were fresh, stale, or had to be loaded."""

    hits: int = 0
    stale: int = 0
    misses: int = 0

    @classmethod
    def of(cls, state: State) -> Origin:
        """Return the origin of an answer that is one entry."""
        return cls(int(state is State.HIT), int(state is State.STALE), int(state is State.MISS))

    def __add__(self, other: Origin) -> Origin:
        return Origin(self.hits + other.hits, self.stale + other.stale, self.misses + other.misses)

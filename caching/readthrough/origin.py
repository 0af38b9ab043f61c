"""Where an answer came from, in the terms of RFC 9211: hit, stale or miss."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class State(enum.StrEnum):
    """Where one entry came from."""

    HIT = "hit"
    STALE = "stale"
    MISS = "miss"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the parts of an answer came from: how many were fresh, stale, or had to be loaded."""

    hits: int = 0
    stale: int = 0
    misses: int = 0

    def __add__(self, other: Origin) -> Origin:
        return Origin(self.hits + other.hits, self.stale + other.stale, self.misses + other.misses)


ORIGIN_OF = {State.HIT: Origin(hits=1), State.STALE: Origin(stale=1), State.MISS: Origin(misses=1)}

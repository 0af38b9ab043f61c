"""The result of one read: raw bytes, decoded on first use, since plain hits need only their bodies."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from caching import metrics
from caching.clock import Clock
from caching.entries.dictionaries import by_number
from caching.entries.entry import Entry, decode, fresh_bodies, fresh_prefixes
from caching.entries.erasure import UNKNOWN_GENERATION
from caching.entries.policy import Policy
from caching.errors import BadEntry
from caching.keys import Id

logger = logging.getLogger(__name__)


class ReadResult:
    """The values of one read, and the generation that they were read in.

    `replies` are those to the riders, the counter commands in the same round trip. Where cache and state are two
    servers, one may be away: `reachable` is False if it is the cache. `replies` is None if it is the state, and then
    `unknown` says whether the riders may have run.
    """

    __slots__ = ("_clock", "_entries", "_policy", "_values", "generation", "ids", "reachable", "replies", "unknown")

    def __init__(
        self,
        policy: Policy,
        clock: Clock,
        ids: Sequence[Id],
        generation: int,
        values: Sequence[bytes | None],
        replies: list[Any] | None,
        unknown: bool = False,
        reachable: bool = True,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._values = values
        self._entries: dict[Id, Entry] | None = None
        self.ids = ids
        self.generation = generation
        self.replies = replies
        self.unknown = unknown
        self.reachable = reachable

    @property
    def entries(self) -> dict[Id, Entry]:
        """The usable entries by id: not those that are damaged, or of another schema or generation."""
        if self._entries is None:
            self._entries = self._usable()
        return self._entries

    def fresh_bodies(self, count: int) -> list[bytes] | None:
        """Return the bodies of the first `count` ids if all of them are plain hits, or None."""
        if not self.reachable or self.generation == UNKNOWN_GENERATION:
            return None
        prefixes = fresh_prefixes(self._policy.schema, self.generation)
        return fresh_bodies(self._values[:count], prefixes, self._clock(), by_number)

    def stored(self, position: int) -> bool:
        """Return whether anything, usable or not, is stored under the id at that position."""
        return self.reachable and self._values[position] is not None

    def _usable(self) -> dict[Id, Entry]:
        found = {}
        for id, raw in zip(self.ids, self._values, strict=True):
            if raw is not None and (entry := self._decoded(raw)) is not None:
                found[id] = entry
        return found

    def _decoded(self, raw: bytes) -> Entry | None:
        try:
            entry = decode(raw, by_number)
        except BadEntry as error:
            metrics.BAD_ENTRIES.labels(self._policy.namespace).inc()
            logger.warning("bad %s entry: %s", self._policy.namespace, error)
            return None
        current = entry.schema == self._policy.schema and entry.generation == self.generation != UNKNOWN_GENERATION
        return entry if current else None

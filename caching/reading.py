"""What one read found: raw bytes, decoded when they are asked for, since plain hits need only their bodies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from caching.entry import Entry, fresh_bodies, fresh_prefixes
from caching.erasure import UNKNOWN_GENERATION
from caching.keys import Id

if TYPE_CHECKING:
    from caching.store import Store


class Reading:
    """What one read found, as raw bytes that are decoded when they are asked for, and the generation it was read in.

    `also` are the answers to the commands that rode along. Where cache and state are two servers, one may be away: then
    `reachable` is False, or `also` is None, and `unknown` says whether its commands may have run.
    """

    __slots__ = ("_entries", "_store", "_values", "also", "generation", "ids", "reachable", "unknown")

    def __init__(
        self, store: Store, ids: Sequence[Id], generation: int, values: Sequence[bytes | None], also: list[Any] | None
    ) -> None:
        self._store = store
        self._values = values
        self._entries: dict[Id, Entry] | None = None
        self.ids = ids
        self.generation = generation
        self.also = also
        self.reachable = True
        self.unknown = False

    @property
    def entries(self) -> dict[Id, Entry]:
        """The usable entries by id: not those that are damaged, or of another schema or generation."""
        if self._entries is None:
            self._entries = self._store.usable(self.ids, self._values, self.generation)
        return self._entries

    def fresh_bodies(self, count: int) -> list[bytes] | None:
        """Return the bodies of the first `count` ids if all of them are plain hits, or None."""
        if not self.reachable or self.generation == UNKNOWN_GENERATION:
            return None
        prefixes = fresh_prefixes(self._store.policy.schema, self.generation)
        return fresh_bodies(self._values[:count], prefixes, self._store.clock())

    def stored(self, position: int) -> bool:
        """Return whether anything at all is stored under the id at that position."""
        return self.reachable and self._values[position] is not None

    @classmethod
    def unreachable(cls, store: Store, also: list[Any] | None) -> Reading:
        """Return what is known while the cache does not answer: nothing."""
        reading = cls(store, (), UNKNOWN_GENERATION, (), also)
        reading.reachable = False
        return reading

"""The live counts of many ids beside a read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from caching.counters.count import NO_COUNT
from caching.counters.family import CounterFamily, live_counts
from caching.counters.rider import Rider, Seeds, Totals
from caching.keys import Id
from caching.redis.scripts import Command


class Counts(NamedTuple):
    """The live counts of ids beside a read. It counts nothing."""

    family: CounterFamily
    ids: Sequence[Id]

    def commands(self) -> tuple[Command, ...]:
        """Return the commands that ride on the read of the entries."""
        return (self.family.live_command(self.ids),) if self.ids else ()

    def live(self, replies: Sequence[Any] | None) -> dict[Id, int]:
        """Return the live counts that Redis knows, by the replies to `commands` (None: Redis did not answer)."""
        return live_counts(self.ids, replies[0]) if replies else {}

    def unknown(self, live: Mapping[Id, int]) -> list[Id]:
        """Return the ids whose live counts are missing."""
        return [id for id in self.ids if id not in live] if len(live) < len(self.ids) else []

    def rider(self, ids: Sequence[Id], replies: Sequence[Any] | None) -> Rider:
        """Return what rides on the fill for ids whose live counts are missing after these replies."""
        return Seeds(self.family, ids) if replies else Totals(ids)


class NoCounts:
    """The counts of a resource without counters."""

    def commands(self) -> tuple[Command, ...]:
        """Return no command."""
        return ()

    def live(self, replies: Sequence[Any] | None) -> dict[Id, int]:
        """Return nothing."""
        return {}

    def unknown(self, live: Mapping[Id, int]) -> list[Id]:
        """Return nothing."""
        return []

    def rider(self, ids: Sequence[Id], replies: Sequence[Any] | None) -> Rider:
        """Return a rider that does nothing."""
        return NO_COUNT


NO_COUNTS = NoCounts()

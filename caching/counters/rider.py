"""Riders: what a fill sends along for counters, the seeds of live counts from the snapshot that the load read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from caching.counters.family import CounterFamily
from caching.keys import Id
from caching.redis.scripts import Command
from caching.transactions import in_transaction


class Snapshot(Protocol):
    """What a loader read of counted rows in one snapshot of the database."""

    @property
    def totals(self) -> Mapping[Id, int]:
        """The flushed and spilled totals by id; an id without one does not exist."""

    @property
    def applied(self) -> frozenset[tuple[int, int]]:
        """The (shard, bucket) pairs that the totals already include."""


class Rider(Protocol):
    """What a fill sends along for counters."""

    @property
    def unseeded(self) -> Sequence[Id]:
        """The ids whose totals the load must return."""

    def seeds(self, found: Snapshot) -> list[Command]:
        """Return the commands that ride on the fill."""

    def seeded(self, found: Snapshot, replies: Sequence[int]) -> dict[Id, int]:
        """Return the live counts by id; the totals of the database if no seeds were sent."""

    def without_redis(self, found: Snapshot, unknown: bool) -> dict[Id, int]:
        """Return the counts by id while Redis is away; `unknown` says whether the seeds may have run all the same."""


class Totals(NamedTuple):
    """A rider that seeds nothing: while the counters' Redis is away, the counts are the totals of PostgreSQL."""

    unseeded: Sequence[Id]

    def seeds(self, found: Snapshot) -> list[Command]:
        """Return no command."""
        return []

    def seeded(self, found: Snapshot, replies: Sequence[int]) -> dict[Id, int]:
        """Return the totals by id."""
        return {id: found.totals[id] for id in self.unseeded if id in found.totals}

    def without_redis(self, found: Snapshot, unknown: bool) -> dict[Id, int]:
        """Return the totals by id."""
        return self.seeded(found, ())


class Seeds(NamedTuple):
    """A rider that seeds the live counts of ids that exist; inside a transaction it seeds nothing."""

    family: CounterFamily
    unseeded: Sequence[Id]

    def seeds(self, found: Snapshot) -> list[Command]:
        """Return the commands that seed, one for each id."""
        return [] if in_transaction() else self.family.seed_commands(self._totals(found), found.applied, 0)

    def seeded(self, found: Snapshot, replies: Sequence[int]) -> dict[Id, int]:
        """Return the live counts by id, or the totals if nothing was sent."""
        totals = self._totals(found)
        return dict(zip(totals, replies, strict=True)) if replies else totals

    def without_redis(self, found: Snapshot, unknown: bool) -> dict[Id, int]:
        """Return the totals by id."""
        return self._totals(found)

    def _totals(self, found: Snapshot) -> dict[Id, int]:
        return Totals(self.unseeded).seeded(found, ())

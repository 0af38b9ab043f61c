"""A count beside a read: the command that rides on the read, the seeds that ride on the fill, and what happens without
Redis.

The rule: count in Redis; if Redis does not know the id, seed it from PostgreSQL and count; if Redis is away, add the
increment to the spill; if it cannot be accepted, refuse it. An increment that Redis may have run is never repeated.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from redis import RedisError

from caching.counters import spill
from caching.counters.family import CounterFamily, Visit, checked, live_count
from caching.counters.rider import Snapshot
from caching.errors import IncrementRefused
from caching.keys import Id
from caching.redis.connections import pool
from caching.redis.errors import REDIS_ERRORS, may_have_run
from caching.redis.scripts import Command
from caching.transactions import in_transaction


class Count(NamedTuple):
    """A count of one id. `amount` is what is still to be counted; 0 means that the live count is only read."""

    family: CounterFamily
    id: Id
    amount: int = 0
    visit: Visit | None = None

    def commands(self) -> tuple[Command, ...]:
        """Return the commands that ride on the read of the entry."""
        return (self.family.count_command(self.id, self.amount, self.visit),)

    def live(self, replies: Sequence[Any]) -> int | None:
        """Return the live count in the replies to `commands`; None if the id was not seeded, so nothing was counted."""
        (reply,) = replies
        # A look-up answers with bytes, a count with a number.
        return live_count(reply) if isinstance(reply, bytes) else reply

    def counted(self) -> Count:
        """Return this count with nothing left to be counted."""
        return self._replace(amount=0) if self.amount else self

    def again(self) -> tuple[Count, int | None]:
        """Count again after another process has seeded the id. Return what is left to be counted, and the live count.

        The live count is None if the id is still not seeded, or if Redis is away; the spill then took or refused the
        increment.
        """
        try:
            (live,) = pool("state").call(self.commands())
        except REDIS_ERRORS as error:
            if self.amount:
                spill.accept(self.family.name, int(self.id), self.amount, may_have_run(error))
            return self.counted(), None
        live = self.live([live])
        return (self if live is None else self.counted()), live

    def alone(self, load: Callable[[Sequence[Id]], Snapshot]) -> int | None:
        """Count without a read, and return the live count; None if `load` finds no such row.

        Raises IncrementRefused if the increment could not be accepted or may have been counted without a reply,
        ValueError for an amount below 1 or above a thousand million, and what `load` raises.
        """
        checked(self.amount)
        try:
            (live,) = pool("state").call(self.commands())
            if live is None:
                with self.refused_on_error():
                    found = load([self.id])
                seeds = self.seeds(found)
                (live,) = pool("state").call(seeds) if seeds else (None,)
        except REDIS_ERRORS as error:
            return self._spilled(load, error)
        return self.live([live])

    @property
    def unseeded(self) -> Sequence[Id]:
        """The id; the load must return its total."""
        return [self.id]

    def seeds(self, found: Snapshot) -> list[Command]:
        """Return the command that seeds the id and counts; none if the row does not exist.

        Inside a transaction, whose total may include what is rolled back later, it seeds only if it counts something.
        """
        totals = self._totals(found)
        if not totals or not (self.amount or not in_transaction()):
            return []
        return self.family.seed_commands(totals, found.applied, self.amount, self.visit)

    def seeded(self, found: Snapshot, replies: Sequence[int]) -> dict[Id, int]:
        """Return the live count by id."""
        totals = self._totals(found)
        return dict(zip(totals, replies, strict=True)) if replies else totals

    def without_redis(self, found: Snapshot, unknown: bool) -> dict[Id, int]:
        """Add the increment to the spill and return the count by id.

        A Redis that refuses only writes still returns the live count, which includes what waits in its buckets.
        """
        totals = self._totals(found)
        for id in totals if self.amount else ():
            totals[id] += self.amount * spill.accept(self.family.name, int(id), self.amount, unknown)
        try:
            live = (
                self.family.live([*totals])
                if in_transaction()
                else self.family.seed(self._totals(found), found.applied)
            )
        except REDIS_ERRORS:
            return totals
        return {id: max(total, live.get(id, 0)) for id, total in totals.items()}

    @contextlib.contextmanager
    def refused_on_error(self, unknown: bool = False) -> Iterator[None]:
        """Record the increment as refused if the block raises, which loads the total from PostgreSQL."""
        try:
            yield
        except Exception:
            if self.amount:
                spill.refuse(self.family.name, self.amount, "unknown" if unknown else "database")
            raise

    def forget(self) -> None:
        """Delete the live count of the id, whose row does not exist, so that it is no longer counted."""
        with contextlib.suppress(*REDIS_ERRORS):
            self.family.forget([int(self.id)])

    def _totals(self, found: Snapshot) -> dict[Id, int]:
        return {self.id: found.totals[self.id]} if self.id in found.totals else {}

    def _spilled(self, load: Callable[[Sequence[Id]], Snapshot], error: RedisError) -> int | None:
        unknown = may_have_run(error)
        total = None
        if not unknown:
            with self.refused_on_error():
                total = load([self.id]).totals.get(self.id)
            if total is None:
                return None
        if not spill.accept(self.family.name, int(self.id), self.amount, unknown):
            raise IncrementRefused(self.family.name) from error
        return (total or 0) + self.amount


class NoCount:
    """The null object for a resource without counters: it sends and seeds nothing."""

    unseeded: Sequence[Id] = ()

    def commands(self) -> tuple[Command, ...]:
        """Return no command."""
        return ()

    def live(self, replies: Sequence[Any]) -> int:
        """Return 0."""
        return 0

    def counted(self) -> NoCount:
        """Return itself."""
        return self

    def again(self) -> tuple[NoCount, int]:
        """Return itself and 0."""
        return self, 0

    def seeds(self, found: Snapshot) -> list[Command]:
        """Return no command."""
        return []

    def seeded(self, found: Snapshot, replies: Sequence[int]) -> dict[Id, int]:
        """Return nothing."""
        return {}

    def without_redis(self, found: Snapshot, unknown: bool) -> dict[Id, int]:
        """Return nothing."""
        return {}

    def refused_on_error(self, unknown: bool = False) -> contextlib.AbstractContextManager[None]:
        """Return a context that does nothing."""
        return contextlib.nullcontext()

    def forget(self) -> None:
        """Do nothing."""


NO_COUNT = NoCount()

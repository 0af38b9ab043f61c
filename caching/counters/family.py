"""A counter family: buckets of increments that wait for the flush, and a live count of each id.

The live count is the total in PostgreSQL plus the buckets that are not in it yet (docs/decisions/0002). It can be
computed again at any time, so unlike a bucket it has a TTL and may be evicted, as may the marks of visitors. An id
without a live count is not counted, so ids that do not exist cannot fill the buckets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from caching.counters.buckets import Buckets
from caching.keys import Id, prefix
from caching.redis.connections import client, pool
from caching.redis.scan import Walk, literal
from caching.redis.scripts import Command, script

_LIVE_TTL_MS = 6 * 3600 * 1000
# Digits of the largest live count, as in count.lua; a longer value is rubbish.
_MOST_DIGITS = 15
MAX_COUNT = 10**_MOST_DIGITS
# Of one call. A larger one is a mistake, and a sum of such increments would not fit its column.
MAX_INCREMENT = 10**9
# Live counts that one command deletes.
_CHUNK = 500


class Visit(NamedTuple):
    """The visitor that an increment is counted for.

    A `visitor` counts once within `window_ms` (every time if 0), and is kept among the unique visitors of `day` for
    `unique_ms` (not at all if 0).
    """

    visitor: str
    window_ms: int = 0
    day: str = ""
    unique_ms: int = 0


class CounterFamily(Buckets):
    """Counters of one kind: the buckets, and beside them the live counts and the marks of visitors.

    <prefix>:n:{<family>:<shard>}:live:<id>            live count
    <prefix>:n:{<family>:<shard>}:seen:<id>:<visitor>  mark that a visitor was counted within the window
    <prefix>:n:{<family>:<shard>}:uniq:<id>:<day>      the visitors that were counted on a day (HyperLogLog)
    """

    def increment(self, id: int, amount: int = 1, visit: Visit | None = None) -> int | None:
        """Count, in one round trip, and return the live count; None if the id was never seeded.

        Raises redis.RedisError; `redis.errors.may_have_run` says whether the increment may have been counted all the
        same. If so, do not repeat it. Raises ValueError for an amount below 1 or above a thousand million.
        """
        live: int | None
        (live,) = pool("state").call([self.count_command(id, checked(amount), visit)])
        return live

    def increment_many(self, amounts: Mapping[int, int]) -> dict[int, int | None]:
        """Count several ids in one round trip and return their live counts; raises like `increment`.

        After an error some of them may have been counted, even if `may_have_run` returns False.
        """
        if not amounts:
            return {}
        commands = [self.count_command(id, checked(amount)) for id, amount in amounts.items()]
        return dict(zip(amounts, pool("state").call(commands), strict=True))

    def live(self, ids: Sequence[Id]) -> dict[Id, int]:
        """Return the live counts that Redis knows, by id, in one round trip."""
        if not ids:
            return {}
        (values,) = pool("state").call([self.live_command(ids)])
        return live_counts(ids, values)

    def seed(self, totals: Mapping[Id, int], applied: Iterable[tuple[int, int]], amount: int = 0) -> dict[Id, int]:
        """Seed live counts from a snapshot of PostgreSQL, count `amount` for each id, and return them by id.

        `applied` are the (shard, bucket) pairs that the totals already hold.
        """
        answers = pool("state").call(self.seed_commands(totals, applied, amount))
        return dict(zip(totals, answers, strict=True))

    def forget(self, ids: Iterable[int]) -> None:
        """Delete live counts that are wrong, or whose rows are gone. The ids are not counted until they are seeded."""
        names = [self.live_key(id) for id in ids]
        for start in range(0, len(names), _CHUNK):
            client("state").unlink(*names[start : start + _CHUNK])

    def forget_all(self) -> None:
        """Delete every live count, so that each is seeded again; it takes a SCAN over the server's keys."""
        redis = client("state")
        for names in Walk(redis, f"{literal(f'{prefix()}:n:{{{self.name}:')}*}}:live:*"):
            redis.unlink(*names)

    def uniques(self, id: int, days: Sequence[str]) -> int:
        """Estimate how many different visitors were counted on these days, by HyperLogLog (Flajolet et al., 2007).

        The estimate is within a percent or two. Days that are no longer kept add nothing.
        """
        names = [self.unique_key(id, day) for day in days]
        return int(client("state").pfcount(*names)) if names else 0

    def count_command(self, id: Id, amount: int, visit: Visit | None = None) -> Command:
        """Return the command that counts, or that reads the live count if `amount` is 0; it may ride on a read."""
        if not amount:
            return Command(("GET", self.live_key(id)))
        return self._script(id, amount, visit)

    def live_command(self, ids: Sequence[Id]) -> Command:
        """Return the command that reads live counts; it may ride on a read."""
        tags, shards = self._tags, self.shards
        return Command(("MGET", *[f"{tags[int(id) % shards]}live:{id}" for id in ids]))

    def seed_commands(
        self,
        totals: Mapping[Id, int],
        applied: Iterable[tuple[int, int]],
        amount: int,
        visit: Visit | None = None,
    ) -> list[Command]:
        """Return the commands that seed live counts, one for each total; they may ride on a fill."""
        by_shard: dict[int, list[int]] = {}
        for shard, bucket in applied:
            by_shard.setdefault(shard, []).append(bucket)
        return [
            self._script(id, amount, visit, total, _LIVE_TTL_MS, *by_shard.get(self.shard(id), ()))
            for id, total in totals.items()
        ]

    def _script(self, id: Id, amount: int, visit: Visit | None, *seed: int) -> Command:
        count, shard = script("count"), self.shard(id)
        keys = (self.live_key(id), *self._bucket_keys[shard])
        if visit is None:
            return count.command(keys, id, amount, self._width_ms, self._now(), *seed)
        marks = (f"{self._tags[shard]}seen:{id}:{visit.visitor}", self.unique_key(id, visit.day))
        visiting = (visit.visitor, visit.window_ms, visit.unique_ms)
        return count.command((*keys, *marks), id, amount, self._width_ms, self._now(), *visiting, *seed)

    @cached_property
    def _bucket_keys(self) -> list[tuple[str, str, str]]:
        return [(f"{tag}sealed", f"{tag}buckets", f"{tag}b:") for tag in self._tags]

    def live_key(self, id: Id) -> str:
        """Return the key of a live count."""
        return f"{self._tags[int(id) % self.shards]}live:{id}"

    def unique_key(self, id: Id, day: str) -> str:
        """Return the key of the unique visitors of a day."""
        return f"{self._tags[int(id) % self.shards]}uniq:{id}:{day}"


_families: dict[str, CounterFamily] = {}


def register(family: CounterFamily) -> CounterFamily:
    """Register a family by its name, so that its backlog is measured. Raises ValueError if the name is taken."""
    if family.name in _families:
        raise ValueError(f"counter family {family.name!r} is registered twice")
    _families[family.name] = family
    return family


def families() -> list[CounterFamily]:
    """Return all registered families."""
    return list(_families.values())


def checked(amount: int) -> int:
    """Return the amount. Raises TypeError if it is no whole number, ValueError below 1 or above MAX_INCREMENT."""
    if type(amount) is not int:
        raise TypeError(f"an increment is a whole number, not {amount!r}")
    if not 0 < amount <= MAX_INCREMENT:
        raise ValueError(f"an increment is between 1 and {MAX_INCREMENT}, not {amount}")
    return amount


def live_counts(ids: Sequence[Id], values: Sequence[bytes | None]) -> dict[Id, int]:
    """Return the live counts by id, without those that Redis does not know."""
    try:
        counts = [*map(int, values)]  # type: ignore[arg-type]
    except (TypeError, ValueError):
        counts = []
    if counts and min(counts) >= 0 and max(counts) < MAX_COUNT:
        return dict(zip(ids, counts, strict=True))
    found = {id: live_count(value) for id, value in zip(ids, values, strict=True)}
    return {id: live for id, live in found.items() if live is not None}


def live_count(value: bytes | None) -> int | None:
    """Parse a live count as Redis stores it; None if there is none or it is rubbish."""
    return int(value) if value and len(value) <= _MOST_DIGITS and value.isdigit() else None

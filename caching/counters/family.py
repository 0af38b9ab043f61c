"""Write-behind counters: increments gather in the buckets of Redis until a flush writes them to PostgreSQL.

Beside the buckets each id has a live count: the total in PostgreSQL plus the buckets that are not in it yet. It can be
computed again at any time, so it has a TTL, which state has not; and an id that was never seeded is not counted, which
keeps ids that do not exist out of the buckets. The same goes for what is known of visitors: it may be evicted.

    <prefix>:n:{<family>:<shard>}:live:<id>            live count
    <prefix>:n:{<family>:<shard>}:seen:<id>:<visitor>  that a visitor was counted lately
    <prefix>:n:{<family>:<shard>}:uniq:<id>:<day>      who was counted on a day (HyperLogLog)
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
# A live count has at most so many digits, as in count.lua; what is larger is rubbish.
_MOST_DIGITS = 15
MAX_COUNT = 10**_MOST_DIGITS
# Of one call: what is larger is a mistake, and a sum of them would not fit its column.
MAX_INCREMENT = 10**9
# Live counts that are forgotten by one command.
_CHUNK = 500


class Visit(NamedTuple):
    """Who is counted. A `visitor` counts once within `window_ms` (every time if 0), and is kept among the unique ones
    of `day` for `unique_ms` (not at all if 0)."""

    visitor: str
    window_ms: int = 0
    day: str = ""
    unique_ms: int = 0


class CounterFamily(Buckets):
    """Counters of one kind."""

    def increment(self, id: int, amount: int = 1, visit: Visit | None = None) -> int | None:
        """Count, in one round trip, and return the live count; None if the id was never seeded.

        Raises redis.RedisError; `sending.may_have_run` says whether it may have been counted all the same. If so, do
        not repeat it. Raises ValueError for an amount below 1 or above a thousand million.
        """
        live: int | None
        (live,) = pool("state").call([self.count_command(id, checked(amount), visit)])
        return live

    def increment_many(self, amounts: Mapping[int, int]) -> dict[int, int | None]:
        """Count several ids in one round trip and return their live counts; raises like `increment`.

        After an error some of them may have been counted, whatever `may_have_run` says of it.
        """
        if not amounts:
            return {}
        commands = [self.count_command(id, checked(amount)) for id, amount in amounts.items()]
        return dict(zip(amounts, pool("state").call(commands), strict=True))

    def live(self, ids: Sequence[Id]) -> dict[Id, int]:
        """Return the live counts that are known, in one round trip."""
        if not ids:
            return {}
        (values,) = pool("state").call([self.live_command(ids)])
        return live_counts(ids, values)

    def seed(self, totals: Mapping[Id, int], applied: Iterable[tuple[int, int]], amount: int = 0) -> dict[Id, int]:
        """Make the live counts of ids known from a snapshot of PostgreSQL, count `amount` for each, and return them.

        `applied` are the (shard, bucket) pairs that the totals already hold.
        """
        answers = pool("state").call(self.seed_commands(totals, applied, amount))
        return dict(zip(totals, answers, strict=True))

    def forget(self, ids: Iterable[int]) -> None:
        """Stop counting ids until somebody seeds them again: those that are gone, or whose live count is wrong."""
        names = [self._live(id) for id in ids]
        for start in range(0, len(names), _CHUNK):
            client("state").unlink(*names[start : start + _CHUNK])

    def forget_all(self) -> None:
        """Have every live count seeded again; it takes a SCAN over the server's keys."""
        redis = client("state")
        for names in Walk(redis, f"{literal(f'{prefix()}:n:{{{self.name}:')}*}}:live:*"):
            redis.unlink(*names)

    def uniques(self, id: int, days: Sequence[str]) -> int:
        """Return about how many different visitors were counted on these days, as far as they are kept: by
        HyperLogLog, so within a percent or two (Flajolet et al., 2007)."""
        names = [self._unique(id, day) for day in days]
        return int(client("state").pfcount(*names)) if names else 0

    def count_command(self, id: Id, amount: int, visit: Visit | None = None) -> Command:
        """Return the command that counts, or with no amount looks the live count up; it may ride on a read."""
        if not amount:
            return Command(("GET", self._live(id)))
        return self._script(id, amount, visit)

    def live_command(self, ids: Sequence[Id]) -> Command:
        """Return the command that looks live counts up; it may ride on a read."""
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
        keys = (self._live(id), *self._bucket_keys[shard])
        if visit is None:
            return count.command(keys, id, amount, self._width_ms, self._now(), *seed)
        marks = (f"{self._tags[shard]}seen:{id}:{visit.visitor}", self._unique(id, visit.day))
        who = (visit.visitor, visit.window_ms, visit.unique_ms)
        return count.command((*keys, *marks), id, amount, self._width_ms, self._now(), *who, *seed)

    @cached_property
    def _bucket_keys(self) -> list[tuple[str, str, str]]:
        return [(f"{tag}sealed", f"{tag}buckets", f"{tag}b:") for tag in self._tags]

    def _live(self, id: Id) -> str:
        return f"{self._tags[int(id) % self.shards]}live:{id}"

    def _unique(self, id: Id, day: str) -> str:
        return f"{self._tags[int(id) % self.shards]}uniq:{id}:{day}"


_families: dict[str, CounterFamily] = {}


def register(family: CounterFamily) -> CounterFamily:
    """Make a family known by its name, so that its backlog is watched. Raises ValueError if another one has it."""
    if family.name in _families:
        raise ValueError(f"counter family {family.name!r} is registered twice")
    _families[family.name] = family
    return family


def families() -> list[CounterFamily]:
    """Return all registered families."""
    return list(_families.values())


def checked(amount: int) -> int:
    """Return an amount that may be counted. Raises ValueError for any other."""
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
    """Return the live count that Redis keeps as these bytes; None if it is none."""
    return int(value) if value and len(value) <= _MOST_DIGITS and value.isdigit() else None

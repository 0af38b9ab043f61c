"""Write-behind counters: increments gather in Redis, by buckets of time, until a flush writes them to PostgreSQL.

Every increment goes into the hash of the bucket of that moment, by Redis' clock. A bucket is sealed before it is
read, so what was read of it never changes, and the ledger row that commits together with its increments makes
it count once. Beside the buckets each id has a live count: the total in PostgreSQL plus the buckets that are
not in it yet. It can be computed again at any time, so it alone has a TTL; and an id that was never
seeded is not counted, which keeps ids that do not exist out of the buckets.

    <prefix>:n:{<family>:<shard>}:live:<id>     live count
    <prefix>:n:{<family>:<shard>}:sealed        number of the newest sealed bucket
    <prefix>:n:{<family>:<shard>}:buckets       index: the numbers of the buckets that exist
    <prefix>:n:{<family>:<shard>}:b:<bucket>    increments by id
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from caching.clock import Clock
from caching.connections import client, pool
from caching.keys import Id, prefix
from caching.scripts import Command, script

_LIVE_TTL_MS = 6 * 3600 * 1000
# A live count has at most so many digits, as in count.lua; what is larger is rubbish.
_MOST_DIGITS = 15
_MOST = 10**_MOST_DIGITS


class Bucket(NamedTuple):
    """A sealed bucket as it lies in Redis: its number and its raw increments by id."""

    number: int
    increments: dict[bytes, bytes]


class CounterFamily:
    """Counters of one kind, spread over `shards` hash tags, in buckets `bucket_seconds` wide.

    `clock` replaces Redis' own clock in tests.
    """

    def __init__(self, name: str, shards: int, bucket_seconds: int, clock: Clock | None = None) -> None:
        self.name = name
        self.shards = shards
        self.bucket_seconds = bucket_seconds
        self.clock = clock

    def shard(self, id: Id) -> int:
        """Return the shard that counts an id."""
        return int(id) % self.shards

    def increment(self, id: int, amount: int = 1) -> int | None:
        """Count, in one round trip, and return the live count; None if the id was never seeded.

        Raises redis.RedisError. After a timeout it is unknown whether it was counted: do not repeat it.
        """
        live: int | None
        (live,) = pool("state").call([self.count(id, amount)])
        return live

    def live(self, ids: Sequence[Id]) -> dict[Id, int]:
        """Return the live counts that are known, in one round trip."""
        if not ids:
            return {}
        (values,) = pool("state").call([self.look(ids)])
        return known(ids, values)

    def seed(self, totals: Mapping[Id, int], applied: Iterable[tuple[int, int]], amount: int = 0) -> dict[Id, int]:
        """Make the live counts of ids known from a snapshot of PostgreSQL, count `amount` for each, and return them.

        `applied` are the (shard, bucket) pairs that the totals already hold.
        """
        answers = pool("state").call(self.seeding(totals, applied, amount))
        return dict(zip(totals, answers, strict=True))

    def forget(self, ids: Iterable[int]) -> None:
        """Stop counting ids that are gone, until somebody seeds them again."""
        names = [self._live(id) for id in ids]
        if names:
            client("state").delete(*names)

    def seal(self, shard: int) -> list[int]:
        """Seal every bucket whose time is over and return the numbers of the sealed ones, oldest first."""
        seal = script("seal")
        keys = (self._key(shard, "sealed"), self._key(shard, "buckets"))
        (names,) = pool("state").call([seal.command(keys, self._width_ms, self._now())])
        return [int(name) for name in names]

    def read(self, shard: int, numbers: Sequence[int]) -> list[Bucket]:
        """Return sealed buckets with what they hold, in one round trip."""
        pipeline = client("state").pipeline(transaction=False)
        for number in numbers:
            pipeline.hgetall(self._key(shard, f"b:{number}"))
        return [Bucket(number, found) for number, found in zip(numbers, pipeline.execute(), strict=True)]

    def sizes(self, shard: int, numbers: Sequence[int]) -> list[int]:
        """Return how many ids each bucket holds, in one round trip."""
        pipeline = client("state").pipeline(transaction=False)
        for number in numbers:
            pipeline.hlen(self._key(shard, f"b:{number}"))
        return [int(size) for size in pipeline.execute()]

    def acknowledge(self, shard: int, numbers: Sequence[int]) -> None:
        """Delete buckets that the ledger has had for long enough."""
        if not numbers:
            return
        pipeline = client("state").pipeline(transaction=False)
        pipeline.unlink(*(self._key(shard, f"b:{number}") for number in numbers))
        pipeline.zrem(self._key(shard, "buckets"), *numbers)
        pipeline.execute()

    def backlog(self) -> list[tuple[int, int]]:
        """Return (shard, bucket) of everything still in Redis, applied or not, in one round trip."""
        pipeline = client("state").pipeline(transaction=False)
        for shard in range(self.shards):
            pipeline.zrange(self._key(shard, "buckets"), 0, -1)
        return [(shard, int(name)) for shard, names in enumerate(pipeline.execute()) for name in names]

    def count(self, id: Id, amount: int) -> Command:
        """Return the command that counts, or with no amount looks the live count up; it may ride on a read."""
        if not amount:
            return Command(("GET", self._live(id)))
        return self._script(id, amount)

    def look(self, ids: Sequence[Id]) -> Command:
        """Return the command that looks live counts up; it may ride on a read."""
        tags, shards = self._tags, self.shards
        return Command(("MGET", *[f"{tags[int(id) % shards]}live:{id}" for id in ids]))

    def seeding(self, totals: Mapping[Id, int], applied: Iterable[tuple[int, int]], amount: int) -> list[Command]:
        """Return the commands that seed live counts, one for each total; they may ride on a fill."""
        by_shard: dict[int, list[int]] = {}
        for shard, bucket in applied:
            by_shard.setdefault(shard, []).append(bucket)
        return [
            self._script(id, amount, total, _LIVE_TTL_MS, *by_shard.get(self.shard(id), ()))
            for id, total in totals.items()
        ]

    def _script(self, id: Id, amount: int, *seed: int) -> Command:
        count, shard = script("count"), self.shard(id)
        keys = (self._live(id), *self._bucket_keys[shard])
        return count.command(keys, id, amount, self._width_ms, self._now(), *seed)

    @cached_property
    def _tags(self) -> list[str]:
        return [f"{prefix()}:n:{{{self.name}:{shard}}}:" for shard in range(self.shards)]

    @cached_property
    def _bucket_keys(self) -> list[tuple[str, str, str]]:
        return [(f"{tag}sealed", f"{tag}buckets", f"{tag}b:") for tag in self._tags]

    def _key(self, shard: int, rest: str) -> str:
        return self._tags[shard] + rest

    def _live(self, id: Id) -> str:
        return f"{self._tags[int(id) % self.shards]}live:{id}"

    @property
    def _width_ms(self) -> int:
        return self.bucket_seconds * 1000

    def _now(self) -> int | str:
        return self.clock() if self.clock else ""


def known(ids: Sequence[Id], values: Sequence[bytes | None]) -> dict[Id, int]:
    """Return the live counts by id, without those that Redis does not know."""
    try:
        counts = [*map(int, values)]  # type: ignore[arg-type]
    except (TypeError, ValueError):
        counts = []
    if counts and min(counts) >= 0 and max(counts) < _MOST:
        return dict(zip(ids, counts, strict=True))
    found = {id: live_count(value) for id, value in zip(ids, values, strict=True)}
    return {id: live for id, live in found.items() if live is not None}


def live_count(value: bytes | None) -> int | None:
    """Return the live count that Redis keeps as these bytes; None if it is none."""
    return int(value) if value and len(value) <= _MOST_DIGITS and value.isdigit() else None

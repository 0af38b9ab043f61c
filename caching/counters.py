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

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from caching.clock import Clock
from caching.connections import client
from caching.keys import Id, prefix
from caching.round_trip import Commands
from caching.scripts import run, script

_LIVE_TTL_MS = 6 * 3600 * 1000


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
        answers: list[int | None] = self._run(lambda pipeline: self.queue_increment(pipeline, id, amount))
        return answers[0]

    def live(self, ids: Sequence[Id]) -> dict[Id, int]:
        """Return the live counts that are known, in one round trip."""
        if not ids:
            return {}
        (values,) = self._run(lambda pipeline: self.queue_live(pipeline, ids))
        return known(ids, values)

    def seed(self, totals: Mapping[Id, int], applied: Iterable[tuple[int, int]], amount: int = 0) -> dict[Id, int]:
        """Make the live counts of ids known from a snapshot of PostgreSQL, count `amount` for each, and return them.

        `applied` are the (shard, bucket) pairs that the totals already hold.
        """
        answers = self._run(lambda pipeline: self.queue_seed(pipeline, totals, applied, amount))
        return dict(zip(totals, answers, strict=True))

    def forget(self, ids: Iterable[int]) -> None:
        """Stop counting ids that are gone, until somebody seeds them again."""
        names = [self._live(id) for id in ids]
        if names:
            client("state").delete(*names)

    def seal(self, shard: int) -> list[int]:
        """Seal every bucket whose time is over and return the numbers of the sealed ones, oldest first."""
        keys = [self._key(shard, "sealed"), self._key(shard, "buckets")]
        args = [self._width_ms, self._now()]
        (names,) = self._run(lambda pipeline: script("seal").queue(pipeline, keys, args))
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

    def also_count(self, id: Id, amount: int) -> Commands:
        """Return the increment of one id, or with no amount the look-up of its live count, as a rider on a read."""
        if not amount:
            return Commands(lambda pipeline: pipeline.get(self._live(id)), [])
        return Commands(lambda pipeline: self.queue_increment(pipeline, id, amount), [script("count")])

    def also_live(self, ids: Sequence[Id]) -> Commands:
        """Return the look-up of live counts as a rider on another read."""
        return Commands(lambda pipeline: self.queue_live(pipeline, ids), [])

    def also_seed(self, totals: Mapping[Id, int], applied: Iterable[tuple[int, int]], amount: int) -> Commands:
        """Return the seeding as a rider on a fill."""
        return Commands(lambda pipeline: self.queue_seed(pipeline, totals, applied, amount), [script("count")])

    def queue_live(self, pipeline: Any, ids: Sequence[Id]) -> None:
        pipeline.mget([self._live(id) for id in ids])

    def queue_increment(self, pipeline: Any, id: Id, amount: int) -> None:
        script("count").queue(pipeline, *self._count(id, amount))

    def queue_seed(
        self, pipeline: Any, totals: Mapping[Id, int], applied: Iterable[tuple[int, int]], amount: int
    ) -> None:
        by_shard: dict[int, list[int]] = {}
        for shard, bucket in applied:
            by_shard.setdefault(shard, []).append(bucket)
        for id, total in totals.items():
            keys, args = self._count(id, amount)
            seed = [total, _LIVE_TTL_MS, *by_shard.get(self.shard(id), ())]
            script("count").queue(pipeline, keys, [*args, *seed])

    def _count(self, id: Id, amount: int) -> tuple[list[str], list[Any]]:
        shard = self.shard(id)
        keys = [self._live(id), self._key(shard, "sealed"), self._key(shard, "buckets"), self._key(shard, "b:")]
        return keys, [id, amount, self._width_ms, self._now()]

    def _run(self, queue: Callable[[Any], None]) -> list[Any]:
        pipeline = client("state").pipeline(transaction=False)
        queue(pipeline)
        return run(client("state"), pipeline, [script("count"), script("seal")])

    @cached_property
    def _tags(self) -> list[str]:
        return [f"{prefix()}:n:{{{self.name}:{shard}}}:" for shard in range(self.shards)]

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
    return {id: int(value) for id, value in zip(ids, values, strict=True) if value and value.isdigit()}

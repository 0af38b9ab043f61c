"""The buckets of a counter family: hashes in Redis with the increments of a few seconds by id.

Redis' clock decides the bucket when an increment arrives. A flush seals a bucket before it reads it. A sealed bucket
does not change, so its number can stand for its content in the ledger (docs/decisions/0001).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from caching.clock import Clock
from caching.keys import Id, prefix
from caching.redis.connections import client, pool
from caching.redis.scripts import script

logger = logging.getLogger(__name__)

# Fields of one reply. Redis serves no other client while it builds one, so this bounds how long a read waits.
PAGE = 500
# Length of a family's name in the models.
_NAME = 40


class Bucket(NamedTuple):
    """A sealed bucket as Redis stores it: its number and its raw increments by id."""

    number: int
    increments: dict[bytes, bytes]


class Sealed(NamedTuple):
    """The numbers of the sealed buckets in Redis, oldest first, and its clock in ms."""

    numbers: list[int]
    now_ms: int


class Buckets:
    """Buckets `bucket_seconds` wide, spread over `shards` hash tags. `clock` replaces Redis' own clock in tests.

        <prefix>:n:{<family>:<shard>}:sealed            number of the newest sealed bucket
        <prefix>:n:{<family>:<shard>}:buckets           index: the numbers of the buckets that exist
        <prefix>:n:{<family>:<shard>}:b:<bucket>        increments by id
        <prefix>:n:{<family>:<shard>}:aside:<bucket>    a bucket that changed after it was applied
        <prefix>:n:{<family>:0}:merged                  number of the last spill merge that Redis knows

    Raises ValueError for a width that does not divide an hour, and for a name that is empty or does not fit the ledger.
    """

    def __init__(self, name: str, shards: int, bucket_seconds: int, clock: Clock | None = None) -> None:
        if not 0 < len(name) <= _NAME or 3600 % bucket_seconds:
            raise ValueError(f"a family needs a name of at most {_NAME} characters, and a width that divides an hour")
        self.name = name
        self.shards = shards
        self.bucket_seconds = bucket_seconds
        self.clock = clock

    def shard(self, id: Id) -> int:
        """Return the shard that counts an id."""
        return int(id) % self.shards

    def age_seconds(self, number: int, now_ms: int) -> float:
        """Return how many seconds ago the time of a bucket ended; 0 for a bucket ahead of the clock."""
        return round(max(0.0, now_ms / 1000 - (number + 1) * self.bucket_seconds), 3)

    def seal(self, shard: int, newest: int = -1) -> Sealed:
        """Seal every bucket whose time is over, and all up to `newest`, the newest bucket in the ledger."""
        seal = script("seal")
        keys = (self.key(shard, "sealed"), self.key(shard, "buckets"))
        ((now, *names),) = pool("state").call([seal.command(keys, self._width_ms, self._now(), newest)])
        rubbish = [name for name in names if not name.isdigit()]
        if rubbish:
            logger.error("the index of %s:%d holds what is no bucket: %r", self.name, shard, rubbish)
            client("state").zrem(self.key(shard, "buckets"), *rubbish)
        return Sealed([int(name) for name in names if name.isdigit()], int(now))

    def has_forgotten(self, newest: Sequence[int]) -> bool:
        """Return whether Redis was lost or restored, in one round trip.

        Then it does not know that the newest bucket of a shard in the ledger was sealed. `newest` has that bucket of
        each shard, -1 for none.
        """
        sealed = client("state").mget([self.key(shard, "sealed") for shard in range(self.shards)])
        known = [int(number) if number and number.isdigit() else -1 for number in sealed]
        return any(mine < theirs for mine, theirs in zip(known, newest, strict=True))

    def last_merge(self) -> int:
        """Return the number of the last spill merge that Redis knows; -1 if none, as in a Redis that was emptied."""
        # MGET reads a key of another type as absent.
        (number,) = client("state").mget([self.key(0, "merged")])
        return int(number) if number and number.isdigit() else -1

    def record_merge(self, number: int) -> None:
        """Record the number of the last spill merge that Redis knows.

        After a restore it is older than the ledger's, which shows that live counts must be seeded again.
        """
        client("state").set(self.key(0, "merged"), number)

    def sizes(self, shard: int, numbers: Sequence[int]) -> list[int]:
        """Return how many ids each bucket holds, in one round trip."""
        if not numbers:
            return []
        pipeline = client("state").pipeline(transaction=False)
        for number in numbers:
            pipeline.hlen(self.key(shard, f"b:{number}"))
        return [int(size) for size in pipeline.execute()]

    def read(self, shard: int, sizes: Mapping[int, int]) -> Iterator[Bucket]:
        """Yield sealed buckets, given as number to size; no reply has more than about PAGE fields."""
        small: list[int] = []
        for number, size in sizes.items():
            if size > PAGE:
                yield Bucket(number, self._scan(shard, number))
                continue
            if sum(sizes[other] for other in small) + size > PAGE:
                yield from self._read_whole(shard, small)
                small = []
            small.append(number)
        yield from self._read_whole(shard, small)

    def delete(self, shard: int, numbers: Sequence[int]) -> None:
        """Delete buckets that were applied long enough ago, and their index entries."""
        if not numbers:
            return
        pipeline = client("state").pipeline(transaction=False)
        pipeline.unlink(*(self.key(shard, f"b:{number}") for number in numbers))
        pipeline.zrem(self.key(shard, "buckets"), *numbers)
        pipeline.execute()

    def set_aside(self, shard: int, number: int) -> None:
        """Rename a bucket to its `aside` key, which no flush reads, for a person to inspect."""
        pipeline = client("state").pipeline(transaction=True)
        pipeline.rename(self.key(shard, f"b:{number}"), self.key(shard, f"aside:{number}"))
        pipeline.zrem(self.key(shard, "buckets"), number)
        pipeline.execute()

    def backlog(self) -> list[tuple[int, int]]:
        """Return (shard, bucket) of every bucket in Redis, applied or not, in one round trip."""
        pipeline = client("state").pipeline(transaction=False)
        for shard in range(self.shards):
            pipeline.zrange(self.key(shard, "buckets"), 0, -1)
        found = enumerate(pipeline.execute())
        return [(shard, int(name)) for shard, names in found for name in names if name.isdigit()]

    def memory(self, shard: int, numbers: Sequence[int]) -> list[int]:
        """Return the bytes that each bucket takes, as Redis estimates them, in one round trip."""
        pipeline = client("state").pipeline(transaction=False)
        for number in numbers:
            pipeline.memory_usage(self.key(shard, f"b:{number}"))
        return [int(size or 0) for size in pipeline.execute()]

    def _read_whole(self, shard: int, numbers: Sequence[int]) -> list[Bucket]:
        pipeline = client("state").pipeline(transaction=False)
        for number in numbers:
            pipeline.hgetall(self.key(shard, f"b:{number}"))
        return [Bucket(number, found) for number, found in zip(numbers, pipeline.execute(), strict=True)]

    def _scan(self, shard: int, number: int) -> dict[bytes, bytes]:
        # HSCAN may repeat a field. In a sealed bucket its value is the same.
        redis, key = client("state"), self.key(shard, f"b:{number}")
        return dict(redis.hscan_iter(key, count=PAGE))

    @cached_property
    def _tags(self) -> list[str]:
        return [f"{prefix()}:n:{{{self.name}:{shard}}}:" for shard in range(self.shards)]

    def key(self, shard: int, rest: str) -> str:
        """Return a key of a shard, such as `sealed`, `buckets` or `b:<bucket>`."""
        return self._tags[shard] + rest

    @property
    def _width_ms(self) -> int:
        return self.bucket_seconds * 1000

    def _now(self) -> int | str:
        return self.clock() if self.clock else ""

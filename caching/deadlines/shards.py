"""The shards of an expiry index: sorted sets of ids by their deadline, in milliseconds since the epoch.

It is an index and never the truth: the owner's table decides what is due, so every member here may be missing,
late, early or rubbish, and `caching.deadlines.repair` puts it right. Scores are rounded up to the millisecond.

    <prefix>:d:{<family>:<shard>}:due   ids by deadline
    <prefix>:d:{<family>:0}:walk        where the walks of the repair stopped
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from caching.deadlines.members import Member, members, to_ms
from caching.keys import prefix
from caching.redis.connections import client, pool
from caching.redis.scripts import Command


class DeadlineShards:
    """The index of one family, an id in the shard `id % shards`. Raises what is in `REDIS_ERRORS`.

    With another number of shards most members lie where nobody looks for them: a repair brings them home.
    """

    def __init__(self, name: str, shards: int = 8) -> None:
        self.name = name
        self.shards = shards

    def shard(self, id: int) -> int:
        """Return the shard that an id lives in."""
        return id % self.shards

    def key(self, shard: int) -> str:
        """Return the key of a shard's sorted set; it has no TTL."""
        return self._keys[shard]

    def id_of(self, member: Member) -> int | None:
        """Return the id that a member stands for; None for rubbish, which an id in a shard not its own is too."""
        id = member.id
        return id if id is not None and id % self.shards == member.shard else None

    def claim(self, limit: int, now: datetime) -> list[Member]:
        """Return about `limit` members that are due, by shard: the earliest `limit // shards` of each, at least one.

        A claim takes nothing out: members stay until they are settled, so a worker that is killed loses none. What
        keeps two claimers of the same members apart is the guarded UPDATE of the owner's table. One round trip.
        """
        return self._between("-inf", to_ms(now), max(1, limit // self.shards))

    def soon(self, limit: int, now: datetime, until: datetime) -> list[Member]:
        """Return the first `limit` members whose deadline lies after `now`, and at `until` or earlier, in order of
        deadline over all shards, in one round trip."""
        found = self._between(f"({to_ms(now)}", to_ms(until), limit)
        return sorted(found, key=lambda member: member.score)[:limit]

    def scan(self, shard: int, cursor: int, limit: int) -> tuple[int, list[Member]]:
        """Return the next cursor (0 at the end) and about `limit` members of a shard, in no order."""
        ((following, reply),) = pool("state").call([Command(("ZSCAN", self.key(shard), cursor, "COUNT", limit))])
        return int(following), members(shard, reply)

    def count(self) -> int:
        """Return how many members the index has, in one round trip."""
        return sum(pool("state").call([Command(("ZCARD", key)) for key in self._keys]))

    def count_due(self, now: datetime) -> int:
        """Return how many members are due, in one round trip."""
        return sum(pool("state").call([Command(("ZCOUNT", key, "-inf", to_ms(now))) for key in self._keys]))

    def discard_foreign(self) -> int:
        """Remove what lies under the index's keys and is no sorted set, and return how many keys that were."""
        types = pool("state").call([Command(("TYPE", key)) for key in self._keys])
        foreign = [key for key, type in zip(self._keys, types, strict=True) if type not in {b"zset", b"none"}]
        if foreign:
            pool("state").call([Command(("UNLINK", key)) for key in foreign])
        return len(foreign)

    def bookmark(self, walk: str) -> str | None:
        """Return where the walk of that name stopped; None means at the beginning."""
        place = client("state").hget(self._walks, walk)
        return place.decode("utf-8", "replace") if place is not None else None

    def set_bookmark(self, walk: str, place: str | None) -> None:
        """Note where the walk of that name stopped."""
        if place is None:
            client("state").hdel(self._walks, walk)
        else:
            client("state").hset(self._walks, walk, place)

    def _between(self, low: str, high: int, limit: int) -> list[Member]:
        """Return the first `limit` members of each shard whose scores lie between, in one round trip."""
        ask = ("WITHSCORES", "LIMIT", 0, limit)
        replies: Sequence[Sequence[bytes]] = pool("state").call(
            [Command(("ZRANGEBYSCORE", key, low, high, *ask)) for key in self._keys]
        )
        return [member for shard, reply in enumerate(replies) for member in members(shard, reply)]

    @cached_property
    def _keys(self) -> list[str]:
        return [f"{prefix()}:d:{{{self.name}:{shard}}}:due" for shard in range(self.shards)]

    @cached_property
    def _walks(self) -> str:
        return f"{prefix()}:d:{{{self.name}:0}}:walk"

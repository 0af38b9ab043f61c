"""The shards of an expiry index: sorted sets of ids by their deadline, in milliseconds since the epoch.

A member may be missing, late, early or rubbish: the owner's table decides what is due, and the repair corrects it.

    <prefix>:d:{<family>:<shard>}:due   ids by deadline
    <prefix>:d:{<family>:0}:walk        where the walks of the repair stopped
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

from caching.ids import row_id
from caching.keys import prefix
from caching.redis.connections import client, pool
from caching.redis.scripts import Command

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Member(NamedTuple):
    """A member of the index as it was read, and the shard that it was in."""

    name: bytes
    score: float
    shard: int = 0

    @property
    def id(self) -> int | None:
        """The id that the name spells; None if it spells none."""
        return row_id(self.name)


def to_ms(at: datetime) -> int:
    """Return the milliseconds since the epoch, rounded up: the index never calls a deadline due too early."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1000 - (-since.microseconds // 1000)


class DeadlineShards:
    """The index of one family, an id in the shard `id % shards`. Raises what is in `REDIS_ERRORS`.

    After a change of `shards` most members lie in shards that are not their own; a repair moves them.
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
        """Return the id that a member stands for; None for rubbish, and for an id in a shard that is not its own."""
        id = member.id
        return id if id is not None and self.shard(id) == member.shard else None

    def due(self, limit: int, now: datetime) -> list[Member]:
        """Return about `limit` members that are due, in one round trip: the earliest `limit // shards` of each shard,
        at least one.

        Members stay in the index until they are corrected or cancelled, so a worker that is killed loses none. Two
        workers that read the same members are kept apart by the guarded UPDATE of the owner's table.
        """
        page = ("WITHSCORES", "LIMIT", 0, max(1, limit // self.shards))
        replies: Sequence[Sequence[Any]] = pool("state").call(
            [Command(("ZRANGEBYSCORE", key, "-inf", to_ms(now), *page)) for key in self._keys]
        )
        return [member for shard, reply in enumerate(replies) for member in _members(shard, reply)]

    def scan(self, shard: int, cursor: int, limit: int) -> tuple[int, list[Member]]:
        """Return the next cursor (0 at the end) and about `limit` members of a shard, in no order."""
        ((following, reply),) = pool("state").call([Command(("ZSCAN", self.key(shard), cursor, "COUNT", limit))])
        return int(following), _members(shard, reply)

    def count(self) -> int:
        """Return how many members the index has, in one round trip."""
        return sum(pool("state").call([Command(("ZCARD", key)) for key in self._keys]))

    def discard_foreign(self) -> int:
        """Remove keys of the index that are no sorted set, and return how many."""
        types = pool("state").call([Command(("TYPE", key)) for key in self._keys])
        foreign = [key for key, type in zip(self._keys, types, strict=True) if type not in {b"zset", b"none"}]
        if foreign:
            pool("state").call([Command(("UNLINK", key)) for key in foreign])
        return len(foreign)

    def bookmark(self, walk: str) -> str | None:
        """Return where the walk of that name stopped; None means at the beginning."""
        place = client("state").hget(self.bookmarks_key, walk)
        return place.decode("utf-8", "replace") if place is not None else None

    def set_bookmark(self, walk: str, place: str | None) -> None:
        """Record where the walk of that name stopped."""
        if place is None:
            client("state").hdel(self.bookmarks_key, walk)
        else:
            client("state").hset(self.bookmarks_key, walk, place)

    @cached_property
    def bookmarks_key(self) -> str:
        """The key of the hash that holds the bookmarks."""
        return f"{prefix()}:d:{{{self.name}:0}}:walk"

    @cached_property
    def _keys(self) -> list[str]:
        return [f"{prefix()}:d:{{{self.name}:{shard}}}:due" for shard in range(self.shards)]


def _members(shard: int, reply: Sequence[Any]) -> list[Member]:
    """Return the members in a reply: pairs of name and score in RESP3, names and scores in turn in RESP2."""
    pairs = reply if reply and isinstance(reply[0], list) else zip(reply[::2], reply[1::2], strict=True)
    return [Member(name, float(score), shard) for name, score in pairs]

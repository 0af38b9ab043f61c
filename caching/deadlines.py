"""The expiry index: a sorted set of ids by their deadline, in milliseconds since the epoch.

It is an index and never the truth: the owner's table decides what is due, so every entry here may be missing,
late, early or rubbish, and `caching.deadline_repair` puts it right. Scores are rounded up to the millisecond.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Any, NamedTuple

from caching import metrics
from caching.connections import RedisUnavailable, client, pool
from caching.keys import prefix
from caching.scripts import script

logger = logging.getLogger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAX_ID = 2**63 - 1
# Members of one ZADD or ZREM: a few milliseconds of Redis, within the socket timeout.
_CHUNK = 1000


class Member(NamedTuple):
    """A member of the index as it was seen."""

    name: bytes
    score: float

    @property
    def id(self) -> int | None:
        """The id it stands for; None if it is no id at all."""
        if not self.name.isdigit() or self.name.startswith(b"0") or len(self.name) > 19:
            return None
        return number if (number := int(self.name)) <= _MAX_ID else None


class Settled(NamedTuple):
    """How many members got another score, and how many were removed."""

    moved: int
    removed: int


class DeadlineFamily:
    """The deadlines of one kind of row.

    `schedule`, `move` and `cancel` never fail their caller: they return False when Redis is away, and the
    table's sweep makes up for it. Everything else raises what is in `connections.RedisUnavailable`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._away = False

    @cached_property
    def key(self) -> str:
        """The sorted set's key; it has no TTL."""
        return f"{self._stem}:due"

    @cached_property
    def _stem(self) -> str:
        return f"{prefix()}:d:{{{self.name}:0}}"

    def schedule(self, id: int, at: datetime) -> bool:
        """Enter a deadline or put it off; an earlier one is ignored, so commands may arrive out of order."""
        return self._attempt("schedule", lambda redis: redis.zadd(self.key, {str(id): to_ms(at)}, gt=True))

    def move(self, id: int, at: datetime) -> bool:
        """Set a deadline whatever it was before, also to an earlier time."""
        return self._attempt("move", lambda redis: redis.zadd(self.key, {str(id): to_ms(at)}))

    def cancel(self, ids: Iterable[int]) -> bool:
        """Forget the deadlines of the ids."""
        names = [str(id) for id in ids]
        done = True
        for start in range(0, len(names), _CHUNK):
            done &= self._attempt("cancel", partial(self._remove, names[start : start + _CHUNK]))
        return done

    def due(self, limit: int, now: datetime) -> list[Member]:
        """Return the first `limit` members whose deadline is `now` or earlier, the earliest first."""
        return self._members("-inf", to_ms(now), limit)

    def soon(self, limit: int, now: datetime, until: datetime) -> list[Member]:
        """Return the first `limit` members whose deadline lies after `now`, and at `until` or earlier."""
        return self._members(f"({to_ms(now)}", to_ms(until), limit)

    def settle(self, seen: Sequence[Member], truth: Mapping[int, datetime]) -> Settled:
        """Give members their true deadline and remove those without one; leave those that changed since seen."""
        args: list[str | bytes] = []
        for member in seen:
            at = truth.get(member.id) if member.id is not None else None
            args += [member.name, repr(member.score), "" if at is None else str(to_ms(at))]
        if not args:
            return Settled(0, 0)
        settle = script("deadline_settle")
        (settled,) = pool("state").call([settle.command((self.key,), *args)])
        return Settled(*settled)

    def put_missing(self, deadlines: Iterable[tuple[int, datetime]]) -> int:
        """Enter those deadlines that the index does not know and return how many that were."""
        scores = {str(id): to_ms(at) for id, at in deadlines}
        return int(_state().zadd(self.key, scores, nx=True)) if scores else 0

    def scan(self, cursor: int, limit: int) -> tuple[int, list[Member]]:
        """Return the next cursor (0 at the end) and about `limit` members, in no order."""
        following, pairs = _state().zscan(self.key, cursor, count=limit)
        return int(following), [Member(name, score) for name, score in pairs]

    def count(self) -> int:
        """Return how many members the index has."""
        return int(_state().zcard(self.key))

    def discard_foreign(self) -> bool:
        """Remove what lies under the index's key if it is no sorted set, and say whether it did."""
        foreign = _state().type(self.key) not in {b"zset", b"none"}
        if foreign:
            _state().delete(self.key)
        return foreign

    def bookmark(self, walk: str) -> str | None:
        """Return where the walk of that name stopped; None means at the beginning."""
        place = _state().hget(f"{self._stem}:walk", walk)
        return place.decode("utf-8", "replace") if place is not None else None

    def set_bookmark(self, walk: str, place: str | None) -> None:
        """Note where the walk of that name stopped."""
        key = f"{self._stem}:walk"
        if place is None:
            _state().hdel(key, walk)
        else:
            _state().hset(key, walk, place)

    def _remove(self, names: list[str], redis: Any) -> None:
        redis.zrem(self.key, *names)

    def _members(self, low: str, high: int, limit: int) -> list[Member]:
        pairs = _state().zrangebyscore(self.key, low, high, start=0, num=limit, withscores=True)
        return [Member(name, score) for name, score in pairs]

    def _attempt(self, operation: str, command: Callable[[Any], Any]) -> bool:
        try:
            command(_state())
        except RedisUnavailable as error:
            metrics.REDIS_FAILURES.labels(f"deadline_{operation}").inc()
            if not self._away:
                logger.warning("deadlines of %s are not indexed while Redis is away: %s", self.name, error)
            self._away = True
            return False
        self._away = False
        return True


def _state() -> Any:
    # redis-py's annotations cover both its reply formats and its asynchronous twin, and fit none of them.
    return client("state")


def to_ms(at: datetime) -> int:
    """Return the milliseconds since the epoch, rounded up: a deadline is never due in the index too early."""
    return -(-((at - _EPOCH) // _MICROSECOND) // 1000)

"""The expiry index of one kind of row: how its owner enters, moves and takes out deadlines.

Writers may be killed, delayed or overtake one another, and two may change the same row at once. `schedule` lets the
later deadline stand, which is right for a row that is new; `move` asks the table, which is right for any.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TypeVar

from caching import metrics
from caching.deadlines.members import Change, Member, Settled, to_ms
from caching.deadlines.shards import DeadlineShards
from caching.deadlines.table import Deadline, Truth
from caching.redis.connections import pool
from caching.redis.errors import REDIS_ERRORS
from caching.redis.scripts import Command, script

__all__ = ["DeadlineFamily", "Member", "Settled", "to_ms"]

logger = logging.getLogger(__name__)

# Members of one command: about a millisecond of Redis, in which it serves nobody else.
_CHUNK = 1000
# Members of one command that takes some out, wherever they lie, while a job does so with thousands a second beside
# requests: a tenth of a millisecond.
_SMALL = 25
# Members of one round trip: tens of milliseconds, within the socket timeout.
_BATCH = 8000
# How often a move looks at the table again while others change the same rows.
_LOOKS = 6

T = TypeVar("T")


class DeadlineFamily(DeadlineShards):
    """The deadlines of one kind of row.

    `schedule`, `schedule_many`, `move` and `cancel` never fail their caller for want of Redis: they return False when
    it is away, and the table's sweep makes up for it. Everything else raises what is in `REDIS_ERRORS`.
    """

    def __init__(self, name: str, shards: int = 8) -> None:
        super().__init__(name, shards)
        self._away = False

    def schedule(self, id: int, at: datetime) -> bool:
        """Enter the deadline of a new row; an earlier one than is known is ignored."""
        return self.schedule_many([(id, at)])

    def schedule_many(self, deadlines: Iterable[Deadline]) -> bool:
        """Enter the deadlines of new rows; those earlier than is known are ignored."""
        parts = (partial(self._schedule, batch) for batch in _batches(deadlines, _BATCH))
        return self._attempt_all("schedule", parts)

    def move(self, ids: Iterable[int], truth: Truth) -> bool:
        """Make the index say what the table says now of rows whose deadline was changed, to later or to earlier.

        Call it after the commit. Whatever is written is compared with the table once more, so that of several movers
        the last one to write has read the table after the last commit; and it is written over the score that was seen
        only, so that one killed halfway leaves alone what others know better. A move that meets changes without end
        gives up and returns False, and the repair takes over. Raises what the `truth` raises.
        """
        parts = (partial(self._follow, batch, truth) for batch in _batches(ids, _CHUNK))
        return self._attempt_all("move", parts)

    def cancel(self, ids: Iterable[int]) -> bool:
        """Forget the deadlines of the ids."""
        return self._attempt_all("cancel", (partial(self._remove, batch) for batch in _batches(ids, _BATCH)))

    def settle(self, seen: Sequence[Member], truth: Mapping[int, datetime]) -> Settled:
        """Give members their true deadline and remove those without one, in one round trip; leave those that changed
        since they were seen. A member in a shard that is not its id's own has no deadline there."""
        changes: dict[int, list[Change]] = {}
        for member in seen:
            id = self.id_of(member)
            at = truth.get(id) if id is not None else None
            change = Change(member.name, member.score, None if at is None else to_ms(at))
            changes.setdefault(member.shard, []).append(change)
        commands = self._settling(changes)
        replies = pool("state").call(commands) if commands else []
        return Settled(sum(moved for moved, _ in replies), sum(removed for _, removed in replies))

    def put_missing(self, deadlines: Iterable[Deadline]) -> int:
        """Enter those deadlines that the index does not know, in one round trip, and return how many that were."""
        return self._add("NX", deadlines)

    def _schedule(self, deadlines: Sequence[Deadline]) -> bool:
        self._add("GT", deadlines)
        return True

    def _add(self, which: str, deadlines: Iterable[Deadline]) -> int:
        by_shard: list[list[int]] = [[] for _ in range(self.shards)]
        for id, at in deadlines:
            by_shard[id % self.shards] += (to_ms(at), id)
        commands = [
            Command(("ZADD", self.key(shard), which, *part))
            for shard, scores in enumerate(by_shard)
            for part in _parts(scores, 2 * _CHUNK)
        ]
        return sum(pool("state").call(commands)) if commands else 0

    def _remove(self, ids: Sequence[int]) -> bool:
        for shard, names in self._by_shard(ids).items():
            for part in _parts(names, _SMALL):
                # One by one: Redis would serve nobody else between commands that came together.
                pool("state").call([Command(("ZREM", self.key(shard), *part))])
        return True

    def _follow(self, ids: Sequence[int], truth: Truth) -> bool:
        """Change scores until those last seen are what the table said after that; return whether they are."""
        seen = self._exchange(ids, {})
        for _ in range(_LOOKS):
            known = truth.deadlines_of(list(seen))
            changes: dict[int, list[Change]] = {}
            wrong = []
            for id, score in seen.items():
                true = to_ms(known[id]) if id in known else None
                if score != true:
                    changes.setdefault(self.shard(id), []).append(Change(id, score, true))
                    wrong.append(id)
            if not wrong:
                return True
            seen = self._exchange(wrong, changes)
        return False

    def _exchange(self, ids: Sequence[int], changes: Mapping[int, Sequence[Change]]) -> dict[int, float | None]:
        """Make changes, and return the scores of ids after that, in one round trip; None for those without."""
        by_shard = self._by_shard(ids)
        commands = self._settling(changes)
        looks = [Command(("ZMSCORE", self.key(shard), *group)) for shard, group in by_shard.items()]
        replies = pool("state").call([*commands, *looks])[len(commands) :]
        found = zip(by_shard.values(), replies, strict=True)
        return {
            id: None if score is None else float(score)
            for group, scores in found
            for id, score in zip(group, scores, strict=True)
        }

    def _settling(self, changes: Mapping[int, Sequence[Change]]) -> list[Command]:
        settle = script("deadline_settle")
        return [
            settle.command((self.key(shard),), *(arg for change in part for arg in change.args()))
            for shard, group in changes.items()
            for part in _parts(group, _CHUNK)
        ]

    def _by_shard(self, ids: Iterable[int]) -> dict[int, list[int]]:
        groups: dict[int, list[int]] = {}
        for id in ids:
            groups.setdefault(id % self.shards, []).append(id)
        return groups

    def _attempt_all(self, operation: str, parts: Iterable[Callable[[], bool]]) -> bool:
        done = True
        for part in parts:
            # One that fails does not stop the others: it may be for the one shard that is damaged.
            done &= self._attempt(operation, part)
        return done

    def _attempt(self, operation: str, part: Callable[[], bool]) -> bool:
        try:
            done = part()
        except REDIS_ERRORS as error:
            metrics.REDIS_FAILURES.labels(f"deadline_{operation}").inc()
            if not self._away:
                logger.warning("deadlines of %s are not indexed while Redis is away: %s", self.name, error)
            self._away = True
            return False
        self._away = False
        return done


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def _parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))

"""The expiry index of one kind of row: how its owner enters, corrects and cancels deadlines.

Writers may be killed, delayed or overtake one another, and two may change the same row at once. So a later deadline
replaces an earlier one, and everything else is decided by the table when the index is repaired.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import NamedTuple, TypeVar

from caching import metrics
from caching.deadlines.shards import DeadlineShards, Member, to_ms
from caching.deadlines.table import Deadline
from caching.redis.connections import pool
from caching.redis.errors import REDIS_ERRORS
from caching.redis.scripts import Command, script

logger = logging.getLogger(__name__)

# Members of one command that enters or corrects. Redis serves no other client while a command runs.
_CHUNK = 1000
# Members of one command that removes. A job removes thousands a second, scattered over the set, beside requests.
_SMALL = 25
# Members of one round trip, which must stay within the socket timeout.
_BATCH = 8000

T = TypeVar("T")


class Corrected(NamedTuple):
    """How many members got another score (`moved`), and how many were removed."""

    moved: int
    removed: int


class DeadlineFamily(DeadlineShards):
    """The deadlines of one kind of row.

    `schedule`, `schedule_many` and `cancel` do not fail their caller while Redis is away: they return False, and the
    sweep of the table finds what the index lacks. Everything else raises what is in `REDIS_ERRORS`.
    """

    def __init__(self, name: str, shards: int = 8) -> None:
        super().__init__(name, shards)
        self._away = False

    def schedule(self, id: int, at: datetime) -> bool:
        """Enter the deadline of a row; it replaces an earlier one, and a later one stays."""
        return self.schedule_many([Deadline(at, id)])

    def schedule_many(self, deadlines: Iterable[Deadline]) -> bool:
        """Enter the deadlines of rows; each replaces an earlier one, and a later one stays."""
        return self._attempt_all("schedule", (partial(self._add, "GT", part) for part in _batches(deadlines, _BATCH)))

    def cancel(self, ids: Iterable[int]) -> bool:
        """Remove the deadlines of the ids."""
        return self._attempt_all("cancel", (partial(self._remove, batch) for batch in _batches(ids, _BATCH)))

    def correct(self, seen: Sequence[Member], deadlines: Mapping[int, datetime]) -> Corrected:
        """Give members the deadline that the table says and remove those without one, in one round trip.

        By compare-and-set: members that changed since they were seen stay as they are. A member in a shard that is not
        its id's own has no deadline there.
        """
        changes: dict[int, list[bytes | str]] = {}
        for member in seen:
            id = self.id_of(member)
            at = deadlines.get(id) if id is not None else None
            score = "" if at is None else str(to_ms(at))
            changes.setdefault(member.shard, []).extend((member.name, repr(member.score), score))
        correct = script("deadline_correct")
        commands = [
            correct.command((self.key(shard),), *part)
            for shard, triples in changes.items()
            for part in _parts(triples, 3 * _CHUNK)
        ]
        replies = pool("state").call(commands) if commands else []
        return Corrected(sum(moved for moved, _ in replies), sum(removed for _, removed in replies))

    def put_missing(self, deadlines: Iterable[Deadline]) -> int:
        """Enter the deadlines that the index lacks, in one round trip, and return how many."""
        return self._add("NX", deadlines)

    def _add(self, condition: str, deadlines: Iterable[Deadline]) -> int:
        by_shard: list[list[int]] = [[] for _ in range(self.shards)]
        for at, id in deadlines:
            by_shard[self.shard(id)] += (to_ms(at), id)
        commands = [
            Command(("ZADD", self.key(shard), condition, *part))
            for shard, scores in enumerate(by_shard)
            for part in _parts(scores, 2 * _CHUNK)
        ]
        return sum(pool("state").call(commands)) if commands else 0

    def _remove(self, ids: Sequence[int]) -> None:
        for shard, names in self._by_shard(ids).items():
            for part in _parts(names, _SMALL):
                # A round trip each: Redis serves no other client between the commands of one pipeline.
                pool("state").call([Command(("ZREM", self.key(shard), *part))])

    def _by_shard(self, ids: Iterable[int]) -> dict[int, list[int]]:
        groups: dict[int, list[int]] = {}
        for id in ids:
            groups.setdefault(self.shard(id), []).append(id)
        return groups

    def _attempt_all(self, operation: str, parts: Iterable[Callable[[], object]]) -> bool:
        # A part that fails does not stop the others: only its own shard may be damaged.
        done = [self._attempt(operation, part) for part in parts]
        return all(done)

    def _attempt(self, operation: str, part: Callable[[], object]) -> bool:
        try:
            part()
        except REDIS_ERRORS as error:
            metrics.REDIS_FAILURES.labels(f"deadline_{operation}").inc()
            if not self._away:
                logger.warning("deadlines of %s are not indexed while Redis is away: %s", self.name, error)
            self._away = True
            return False
        self._away = False
        return True


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch


def _parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))

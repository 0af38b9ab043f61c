"""The flush: writes the sealed buckets of a counter family to PostgreSQL, each exactly once.

One transaction inserts the ledger rows of some buckets and applies the buckets that had none. So a flush is
idempotent: after a kill or a lost reply to COMMIT the next one finds the row and skips the bucket, and any number may
run at once. Redis keeps a bucket for a while after it was applied, see `ledger.RETAIN_SECONDS`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import groupby

from django.db import connection, transaction
from redis.exceptions import RedisError

from caching import metrics
from caching.counters import bucket_fields, ledger
from caching.counters.acknowledge import acknowledge
from caching.counters.application import Apply, FlushStats, share_of, summed
from caching.counters.bucket_fields import ParsedBucket
from caching.counters.family import CounterFamily
from caching.counters.spill_merge import merge
from caching.errors import DATABASE_ERRORS
from caching.jobs.work_budget import WorkBudget
from caching.redis.errors import REDIS_ERRORS

logger = logging.getLogger(__name__)

# Fields of one transaction; a bucket is never split. The fields of one id in one hour become one row, so larger
# transactions write fewer rows.
CHUNK_FIELDS = 100_000
# Seconds after which a flush leaves the remaining buckets to the next one, which has a record of its own.
_SECONDS = 60.0
# Fields that one flush applies without a pause: more than arrive in a few seconds.
_BURST = 100_000
# Seconds of pause for each second of work on a backlog, but never so long that the backlog drains slower than
# _TIMES_FASTER times the rate at which it arrived. Otherwise new increments might arrive faster than they are applied.
_PAUSE_RATIO = 20.0
_TIMES_FASTER = 6
# Statement timeout for a bucket larger than CHUNK_FIELDS, in ms a field: many times what a field needs
# (docs/benchmarks.md).
_MS_A_FIELD = 1


def flush(family: CounterFamily, apply: Apply) -> FlushStats:
    """Apply the spill and every sealed bucket of a family. Any number of these may run at once.

    An error in one shard does not stop the others: the first error is raised after all shards were tried. A large
    backlog takes several flushes (`WorkBudget`); each starts with the shard that is furthest behind.
    """
    done, budget = FlushStats(), WorkBudget(_SECONDS, _BURST, _PAUSE_RATIO)
    newest = ledger.newest(family.name, family.shards)
    attempts = _Attempts(family.name)
    attempts.make("the spill", lambda: merge(family, apply, budget, done))
    if attempts.make("the memory of Redis", lambda: _check_lost_memory(family, newest)):
        for shard in sorted(range(family.shards), key=newest.__getitem__):
            work = partial(_flush_shard, family, shard, newest[shard], apply, budget, done)
            attempts.make(f"shard {shard}", work)
    attempts.raise_first()
    return done


class _Attempts:
    """The parts of a flush. Each is tried, also after another one failed."""

    def __init__(self, family: str) -> None:
        self._family = family
        self._failures: list[Exception] = []

    def make(self, part: str, work: Callable[[], None]) -> bool:
        """Run a part and return whether it succeeded; its error is logged and kept."""
        try:
            work()
        except (*DATABASE_ERRORS, RedisError, ValueError, OverflowError) as error:
            # If Redis is away, one line says enough; a traceback would not help.
            away = isinstance(error, REDIS_ERRORS)
            logger.error("%s of %s was not flushed: %s", part, self._family, error, exc_info=not away)
            self._failures.append(error)
            _close_broken_connection()
            return False
        return True

    def raise_first(self) -> None:
        if self._failures:
            raise self._failures[0]


def _close_broken_connection() -> None:
    """Close a connection that is broken, or that an interrupted commit left within its transaction."""
    if connection.in_atomic_block or connection.connection is None:
        return
    # A working connection is kept, because its session holds the advisory lock of the job.
    if not (connection.autocommit and connection.is_usable()):
        connection.close()


def _check_lost_memory(family: CounterFamily, newest: Sequence[int]) -> None:
    """Have live counts seeded again if Redis was lost or restored; those in a restored one are as old as its backup."""
    if family.has_forgotten(newest):
        metrics.MEMORY_LOST.labels(family.name).inc()
        logger.error("Redis has forgotten buckets of %s that are in the ledger: it was lost or restored", family.name)
        _retain_and_reseed(family, family.backlog())


def _retain_and_reseed(family: CounterFamily, held: Sequence[tuple[int, int]]) -> None:
    """Have live counts seeded again without adding these applied buckets, which Redis holds again."""
    ledger.mark_retained(family.name, held)
    family.forget_all()


def _check_returned(family: CounterFamily, shard: int, numbers: Sequence[int]) -> None:
    """Retain released buckets that are in Redis again, unless another flusher has just deleted them."""
    sizes = zip(numbers, family.sizes(shard, numbers), strict=True)
    returned = [(shard, number) for number, size in sizes if size]
    if returned:
        _retain_and_reseed(family, returned)


def _flush_shard(
    family: CounterFamily, shard: int, newest: int, apply: Apply, budget: WorkBudget, done: FlushStats
) -> None:
    sealed, now_ms = family.seal(shard, newest)
    known = ledger.rows_of(family.name, shard, sealed)
    _check_returned(family, shard, [number for number, row in known.items() if not row.retained])
    waiting = [number for number in sealed if number not in known]
    if waiting:
        done.backlog_seconds = max(done.backlog_seconds, family.age_seconds(waiting[0], now_ms))
    try:
        for chunk in _chunks(family, shard, waiting):
            if budget.is_spent:
                break
            came_in = len(chunk) * family.bucket_seconds / family.shards
            with budget.batch(sum(chunk.values()), most=came_in / _TIMES_FASTER):
                parsed = {bucket.number: bucket_fields.parse(bucket) for bucket in family.read(shard, chunk)}
                _apply_chunk(family, shard, parsed, apply, done)
    finally:
        # Also after an error: buckets that were applied must still be deleted from Redis.
        done.changed += acknowledge(family, shard, sealed, known)


def _apply_chunk(
    family: CounterFamily, shard: int, parsed: Mapping[int, ParsedBucket], apply: Apply, done: FlushStats
) -> None:
    name = family.name
    with transaction.atomic():
        _extend_timeout(sum(len(each.counts) for each in parsed.values()))
        mine, entered_at = ledger.enter(name, shard, {number: each.counts for number, each in parsed.items()})
        if entered_at is None:
            return
        counts = {number: parsed[number].counts for number in mine}
        sums = summed(counts)
        gone, full = apply(_hour(family, mine[0], entered_at), sums)
        orphans = {number: share_of(counts[number], gone) for number in mine}
        ledger.record_orphans(name, shard, orphans)
        bucket_fields.set_aside_overflow(name, shard, mine[0], {id: sums[id] for id in full})
        bucket_fields.set_aside_poison(name, shard, {number: parsed[number].poison for number in mine})
    done.ids += len(sums)
    done.total += sum(sums.values())
    done.buckets += len(mine)
    done.orphaned += sum(orphans.values())
    done.overflowed += share_of(sums, full)
    done.poison += sum(len(parsed[number].poison) for number in mine)


def _extend_timeout(fields: int) -> None:
    """Extend the statement timeout of this transaction if its bucket is larger than a chunk; one of an hour may be."""
    if fields > CHUNK_FIELDS:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {fields * _MS_A_FIELD}")


def _chunks(family: CounterFamily, shard: int, numbers: Sequence[int]) -> Iterator[dict[int, int]]:
    """Yield chunks of buckets, as number to size, for one transaction each.

    A chunk lies within one hour. It has at most CHUNK_FIELDS fields, or is a single larger bucket.
    """
    per_hour = 3600 // family.bucket_seconds
    for _, group in groupby(numbers, key=lambda number: number // per_hour):
        hour = list(group)
        chunk: dict[int, int] = {}
        for number, size in zip(hour, family.sizes(shard, hour), strict=True):
            if chunk and sum(chunk.values()) + size > CHUNK_FIELDS:
                yield chunk
                chunk = {}
            chunk[number] = size
        if chunk:
            yield chunk


def _hour(family: CounterFamily, number: int, entered_at: datetime) -> datetime:
    """Return the hour that a bucket belongs to; the present hour if the bucket is ahead of the clock."""
    now = family.clock() / 1000 if family.clock else entered_at.timestamp()
    start = datetime.fromtimestamp(min(number * family.bucket_seconds, now), UTC)
    return start.replace(minute=0, second=0, microsecond=0)

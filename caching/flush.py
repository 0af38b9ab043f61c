"""The flush: moves sealed buckets of a counter family into PostgreSQL, each exactly once.

One transaction inserts the ledger rows of some buckets and applies those that were not there yet. So it does not
matter how many flushers run, where one dies, or whether the reply to its COMMIT was lost: running again finds
the ledger row and skips the bucket. Redis forgets a bucket only a while after it was applied, because live
counts that are being computed from an older snapshot still add it up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from redis.exceptions import RedisError

from caching.counters import Bucket, CounterFamily
from caching.models import CounterBucket

logger = logging.getLogger(__name__)

# Applies increments by id for one hour and returns the ids that exist. Called inside the transaction.
Apply = Callable[[datetime, Mapping[int, int]], set[int]]

_RETAIN = timedelta(seconds=60)
_CHUNK_FIELDS = 50_000
_BIGINT_MAX = 2**63 - 1


@dataclass(slots=True)
class Flushed:
    """What a flush did: distinct ids, increments and buckets applied; increments whose row is gone; fields that
    were no counter; and the age in seconds of the oldest bucket it found waiting."""

    ids: int = 0
    total: int = 0
    buckets: int = 0
    orphaned: int = 0
    poison: int = 0
    backlog_seconds: float = 0.0

    def as_dict(self) -> dict[str, int | float]:
        return asdict(self)


def flush(family: CounterFamily, apply: Apply) -> Flushed:
    """Apply every sealed bucket of a family. Any number of these may run at once."""
    done = Flushed()
    failures: list[Exception] = []
    for shard in range(family.shards):
        try:
            _flush_shard(family, shard, apply, done)
        except (DatabaseError, InterfaceError, RedisError, ValueError, OverflowError) as error:
            # One shard's trouble must not hold up the views of the others.
            logger.exception("shard %d of %s was not flushed", shard, family.name)
            failures.append(error)
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
    if failures:
        raise failures[0]
    return done


def _flush_shard(family: CounterFamily, shard: int, apply: Apply, done: Flushed) -> None:
    sealed = family.seal(shard)
    _acknowledge(family, shard, sealed)
    if not sealed:
        return
    waiting = sorted(set(sealed) - _applied(family, shard, sealed))
    if waiting:
        done.backlog_seconds = max(done.backlog_seconds, _age_seconds(family, waiting[0]))
    for chunk in _chunks(family, shard, waiting):
        _apply_chunk(family, shard, family.read(shard, chunk), apply, done)


def _apply_chunk(family: CounterFamily, shard: int, buckets: Sequence[Bucket], apply: Apply, done: Flushed) -> None:
    parsed = {bucket.number: _parse(family, bucket) for bucket in buckets}
    with transaction.atomic():
        mine = _enter(family, shard, {number: counts for number, (counts, _) in parsed.items()})
        if not mine:
            return
        merged: dict[int, int] = {}
        for number in mine:
            for id, amount in parsed[number][0].items():
                merged[id] = merged.get(id, 0) + amount
        existing = apply(_hour(family, mine[0]), merged)
        orphans = {
            number: sum(amount for id, amount in parsed[number][0].items() if id not in existing) for number in mine
        }
        for number, orphaned in orphans.items():
            if orphaned:
                _ledger(family, shard).filter(bucket=number).update(orphaned=orphaned)
    done.ids += len(merged)
    done.total += sum(merged.values())
    done.buckets += len(mine)
    done.orphaned += sum(orphans.values())
    done.poison += sum(parsed[number][1] for number in mine)


def _enter(family: CounterFamily, shard: int, counts: Mapping[int, Mapping[int, int]]) -> list[int]:
    """Insert the ledger rows and return the buckets that were not in the ledger: those are ours to apply.

    A flusher that is inserting the same row makes this wait until it has committed or rolled back.
    """
    numbers = sorted(counts)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO caching_counterbucket
                (family, shard, bucket, total, fields, orphaned, applied_at, retained)
            SELECT %s, %s, b.bucket, b.total, b.fields, 0, statement_timestamp(), true
            FROM unnest(%s::bigint[], %s::bigint[], %s::int[]) AS b (bucket, total, fields)
            ORDER BY b.bucket
            ON CONFLICT (family, shard, bucket) DO NOTHING
            RETURNING bucket
            """,
            [
                family.name,
                shard,
                numbers,
                [sum(counts[number].values()) for number in numbers],
                [len(counts[number]) for number in numbers],
            ],
        )
        return sorted(row[0] for row in cursor.fetchall())


def _parse(family: CounterFamily, bucket: Bucket) -> tuple[dict[int, int], int]:
    """Return the increments by id, and how many fields were left out because they are none."""
    counts: dict[int, int] = {}
    poison = 0
    for field, value in bucket.increments.items():
        # Stricter than int(), to which "05" and "1_0" are numbers too.
        id = int(field) if field.isdigit() and len(field) <= 19 and field[:1] != b"0" else 0
        amount = int(value) if value.isdigit() and len(value) <= 19 else 0
        if 0 < id <= _BIGINT_MAX and 0 < amount <= _BIGINT_MAX // _CHUNK_FIELDS:
            counts[id] = amount
        else:
            poison += 1
            logger.error("%s bucket %d: field %r = %r is no counter", family.name, bucket.number, field, value)
    return counts, poison


def _chunks(family: CounterFamily, shard: int, numbers: Sequence[int]) -> Iterator[list[int]]:
    """Split buckets so that a transaction stays within one hour and a bounded number of ids."""
    per_hour = 3600 // family.bucket_seconds
    for _, group in groupby(numbers, key=lambda number: number // per_hour):
        hour = list(group)
        chunk: list[int] = []
        fields = 0
        for number, size in zip(hour, family.sizes(shard, hour), strict=True):
            if chunk and fields + size > _CHUNK_FIELDS:
                yield chunk
                chunk, fields = [], 0
            chunk.append(number)
            fields += size
        yield chunk


def _acknowledge(family: CounterFamily, shard: int, sealed: Sequence[int]) -> None:
    """Let Redis forget buckets that were applied a while ago, then say so in the ledger."""
    # Also those that Redis lost by itself, or that a flusher deleted just before it died.
    listed = Q(retained=True) | Q(bucket__in=sealed)
    rows = _ledger(family, shard).filter(listed, applied_at__lt=Now() - _RETAIN)
    numbers = list(rows.values_list("bucket", flat=True))
    if numbers:
        family.acknowledge(shard, sorted(set(numbers) & set(sealed)))
        _ledger(family, shard).filter(bucket__in=numbers).update(retained=False)


def _applied(family: CounterFamily, shard: int, sealed: Sequence[int]) -> set[int]:
    return set(_ledger(family, shard).filter(bucket__in=sealed).values_list("bucket", flat=True))


def _ledger(family: CounterFamily, shard: int) -> QuerySet[CounterBucket]:
    return CounterBucket.objects.filter(family=family.name, shard=shard)


def _hour(family: CounterFamily, number: int) -> datetime:
    start = datetime.fromtimestamp(number * family.bucket_seconds, UTC)
    return start.replace(minute=0, second=0, microsecond=0)


def _age_seconds(family: CounterFamily, number: int) -> float:
    closed = (number + 1) * family.bucket_seconds
    now = family.clock() / 1000 if family.clock else datetime.now(UTC).timestamp()
    return round(max(0.0, now - closed), 3)

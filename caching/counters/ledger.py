"""The ledger: which buckets are in PostgreSQL. Its rows commit together with the increments that they stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from django.db import connection
from django.db.models import QuerySet

if TYPE_CHECKING:
    from caching.models import CounterBucket


# Redis keeps a bucket for this long after it was applied, because a live count that is being seeded from an older
# snapshot still adds it.
RETAIN_SECONDS = 60

# A column for the query that reads totals; its one parameter is the family, and `parse_applied` parses its value.
# It must be in the same statement as the totals, or a flush in between would be counted twice or not at all.
# PostgreSQL evaluates it once, not for each row.
APPLIED_BUCKETS = """(
    SELECT string_agg(shard || ':' || bucket, ',') FROM caching_counterbucket
    WHERE family = %s AND retained AND shard >= 0
)"""

_NEWEST = """
    SELECT coalesce(newest.bucket, -1)
    FROM generate_series(0, %s) AS shards (shard)
    LEFT JOIN LATERAL (SELECT max(bucket) AS bucket FROM caching_counterbucket
                       WHERE family = %s AND caching_counterbucket.shard = shards.shard) AS newest ON true
    ORDER BY shards.shard
"""
_KNOWN = """
    SELECT bucket, total, fields, retained, applied_at < statement_timestamp() - %s * interval '1 second'
    FROM caching_counterbucket WHERE family = %s AND shard = %s AND bucket = ANY(%s)
    UNION
    SELECT bucket, total, fields, retained, applied_at < statement_timestamp() - %s * interval '1 second'
    FROM caching_counterbucket WHERE family = %s AND shard = %s AND retained
"""
_ENTER = """
    INSERT INTO caching_counterbucket (family, shard, bucket, total, fields, orphaned, applied_at, retained)
    SELECT %s, %s, b.bucket, b.total, b.fields, 0, statement_timestamp(), true
    FROM unnest(%s::bigint[], %s::bigint[], %s::int[]) AS b (bucket, total, fields)
    ORDER BY b.bucket
    ON CONFLICT (family, shard, bucket) DO NOTHING
    RETURNING bucket, applied_at
"""
_RETAIN = """
    UPDATE caching_counterbucket SET retained = true
    FROM unnest(%s::int[], %s::bigint[]) AS held (shard, bucket)
    WHERE family = %s AND caching_counterbucket.shard = held.shard AND caching_counterbucket.bucket = held.bucket
      AND NOT retained
"""


class LedgerRow(NamedTuple):
    """The ledger row of a bucket: the sum of its increments and how many they are, whether Redis may still hold it
    (`retained`), and whether it was applied more than RETAIN_SECONDS ago (`old`)."""

    total: int
    fields: int
    retained: bool
    old: bool


class Entered(NamedTuple):
    """The buckets that were entered, oldest first, and when, by PostgreSQL's clock (None if there were none)."""

    buckets: list[int]
    at: datetime | None


def parse_applied(column: str | None) -> frozenset[tuple[int, int]]:
    """Return the (shard, bucket) pairs in the column of `APPLIED_BUCKETS`."""
    pairs = (name.split(":") for name in column.split(",")) if column else ()
    return frozenset((int(shard), int(bucket)) for shard, bucket in pairs)


def newest(family: str, shards: int) -> list[int]:
    """Return the newest bucket of each shard, -1 where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [shards - 1, family])
        return [row[0] for row in cursor.fetchall()]


def last_entered(family: str, shard: int) -> int:
    """Return the bucket of a shard that was entered last, -1 if there is none."""
    found = _rows(family, shard).order_by("-applied_at", "-bucket").values_list("bucket", flat=True).first()
    return -1 if found is None else found


def rows_of(family: str, shard: int, sealed: Sequence[int]) -> dict[int, LedgerRow]:
    """Return the rows of these buckets, and of all that Redis may still hold, by bucket number."""
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [RETAIN_SECONDS, family, shard, list(sealed), RETAIN_SECONDS, family, shard])
        return {bucket: LedgerRow(*row) for bucket, *row in cursor.fetchall()}


def enter(family: str, shard: int, counts: Mapping[int, Mapping[int, int]]) -> Entered:
    """Insert rows for buckets, given as number to increments by id, and return the buckets that had none.

    The caller must apply those in the same transaction. If another flusher is inserting the same row, this waits
    until that one has committed or rolled back.
    """
    numbers = sorted(counts)
    totals = [sum(counts[number].values()) for number in numbers]
    fields = [len(counts[number]) for number in numbers]
    with connection.cursor() as cursor:
        cursor.execute(_ENTER, [family, shard, numbers, totals, fields])
        rows = cursor.fetchall()
    return Entered(sorted(row[0] for row in rows), rows[0][1] if rows else None)


def record_orphans(family: str, shard: int, orphans: Mapping[int, int]) -> None:
    """Record how much of each bucket belonged to rows that no longer exist."""
    for number, orphaned in orphans.items():
        if orphaned:
            _rows(family, shard).filter(bucket=number).update(orphaned=orphaned)


def record_surplus(family: str, shard: int, number: int, surplus: int) -> None:
    """Record by how much the sum of a bucket in Redis differs from the sum that was applied."""
    _rows(family, shard).filter(bucket=number).update(surplus=surplus)


def mark_retained(family: str, buckets: Sequence[tuple[int, int]]) -> None:
    """Record that Redis holds these (shard, bucket) pairs, including any that were released."""
    with connection.cursor() as cursor:
        cursor.execute(_RETAIN, [[shard for shard, _ in buckets], [bucket for _, bucket in buckets], family])


def mark_released(family: str, shard: int, numbers: Sequence[int]) -> None:
    """Record that Redis no longer holds these buckets."""
    if numbers:
        _rows(family, shard).filter(bucket__in=numbers, retained=True).update(retained=False)


def _rows(family: str, shard: int) -> QuerySet[CounterBucket]:
    from caching.models import CounterBucket

    return CounterBucket.objects.filter(family=family, shard=shard)

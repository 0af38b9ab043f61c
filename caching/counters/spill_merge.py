"""Merges the spill into the totals.

One transaction deletes rows of the spill and applies them, so each increment is applied once.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from django.db import connection, transaction

from caching.counters import bucket_fields, ledger
from caching.counters.application import Apply, FlushStats, share_of
from caching.counters.family import CounterFamily
from caching.jobs.work_budget import WorkBudget
from caching.redis.errors import REDIS_ERRORS

# The ledger's shard number for merges, which have no bucket in Redis.
SHARD = -1
_CHUNK_ROWS = 10_000

_OLDEST = """
    SELECT id, counter, hour FROM caching_counterspill WHERE family = %s AND id <= %s ORDER BY id LIMIT %s
"""
_LAST = "SELECT max(id) FROM caching_counterspill WHERE family = %s"
# SKIP LOCKED leaves out the rows that another flush is merging.
_LOCK = "SELECT id FROM caching_counterspill WHERE id = ANY(%s) ORDER BY id FOR UPDATE SKIP LOCKED"
# A separate statement, because its snapshot includes what was added to the rows before they were locked.
_TAKE = """
    WITH taken AS (DELETE FROM caching_counterspill WHERE id = ANY(%s) RETURNING id, counter, amount)
    SELECT counter, sum(amount)::bigint, max(id) FROM taken GROUP BY counter ORDER BY counter
"""


def merge(family: CounterFamily, apply: Apply, budget: WorkBudget, done: FlushStats) -> None:
    """Apply what is in the spill now, in transactions of one hour and a bounded number of rows; `done` is updated."""
    _forget_after_lost_merge(family)
    last = _last(family.name)
    while last is not None and not budget.is_spent and (rows := _oldest(family.name, last)):
        hour = rows[0][2]
        mine = [(id, counter) for id, counter, row_hour in rows if row_hour == hour]
        counters = {counter for _, counter in mine}
        forgotten = _forget_live_counts(family, counters)
        if not _merge(family, [id for id, _ in mine], hour, forgotten, apply, done):
            # Another flush is merging these rows.
            return
        # Again, because a live count may have been seeded meanwhile from a snapshot older than the spill.
        if forgotten and _forget_live_counts(family, counters):
            _record_merge(family)


def _last(family: str) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(_LAST, [family])
        last: int | None = cursor.fetchone()[0]
    return last


def _oldest(family: str, last: int) -> list[tuple[int, int, datetime]]:
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST, [family, last, _CHUNK_ROWS])
        rows: list[tuple[int, int, datetime]] = cursor.fetchall()
    return rows


def _forget_live_counts(family: CounterFamily, ids: Iterable[int]) -> bool:
    """Delete the live counts of ids, which lack the spill; return whether Redis did so.

    A live count that is seeded from now on includes the spill, whether or not it is merged by then.
    """
    try:
        family.forget(ids)
    except REDIS_ERRORS:
        return False
    return True


def _forget_after_lost_merge(family: CounterFamily) -> None:
    """Delete all live counts if Redis was away during a merge, or was restored to before the last merge."""
    unrecorded, newest = list(ledger.rows_of(family.name, SHARD, [])), ledger.last_entered(family.name, SHARD)
    try:
        if unrecorded or family.last_merge() != newest:
            # A Redis that refuses writes raises here, before a useless scan over all of its keys.
            family.record_merge(-1)
            family.forget_all()
            family.record_merge(newest)
    except REDIS_ERRORS:
        return
    ledger.mark_released(family.name, SHARD, unrecorded)


def _record_merge(family: CounterFamily) -> None:
    with suppress(*REDIS_ERRORS):
        family.record_merge(ledger.last_entered(family.name, SHARD))


def _merge(
    family: CounterFamily, rows: list[int], hour: datetime, forgotten: bool, apply: Apply, done: FlushStats
) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK, [rows])
        cursor.execute(_TAKE, [[id for (id,) in cursor.fetchall()]])
        taken = cursor.fetchall()
        if not taken:
            return False
        counts = {counter: amount for counter, amount, _ in taken}
        number = max(newest for _, _, newest in taken)
        gone, full = apply(hour, counts)
        ledger.enter(family.name, SHARD, {number: counts})
        ledger.record_orphans(family.name, SHARD, {number: share_of(counts, gone)})
        bucket_fields.set_aside_overflow(family.name, SHARD, number, {id: counts[id] for id in full})
        if forgotten:
            ledger.mark_released(family.name, SHARD, [number])
    done.ids += len(counts)
    done.total += sum(counts.values())
    done.spilled += sum(counts.values())
    done.orphaned += share_of(counts, gone)
    done.overflowed += share_of(counts, full)
    return True

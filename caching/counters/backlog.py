"""The backlog of a counter family: what waits for the flush, how old and how large it is, and when that is an alarm."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from redis.exceptions import ResponseError

from caching.conf import conf
from caching.counters.family import CounterFamily

# Bytes that a field takes, for hosts that forbid MEMORY USAGE; `bin/bench counters` measures it.
FIELD_BYTES = 90
_MB = 1024 * 1024

_APPLIED = "SELECT shard, bucket FROM caching_counterbucket WHERE family = %s AND retained AND shard >= 0"
_SPILLED = "SELECT coalesce(sum(amount), 0)::bigint, count(*) FROM caching_counterspill WHERE family = %s"
_LAST = """
    SELECT extract(epoch FROM clock_timestamp() - max(applied_at))::float8 FROM caching_counterbucket WHERE family = %s
"""

_NEWEST = "SELECT max(applied_at) FROM caching_counterbucket WHERE family = %s"


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for the flush.

    In Redis: `buckets`, their `fields` (the count of one id in one bucket) and `bytes`, and the `seconds` since the
    time of the oldest bucket ended. In PostgreSQL: `spilled` increments in `spill_rows` rows of the spill.
    `last_flush_seconds` is how long ago a flush last applied something (None if the ledger is empty).
    """

    buckets: int
    fields: int
    bytes: int
    seconds: float
    spilled: int
    spill_rows: int
    last_flush_seconds: float | None

    def alarms(self) -> list[str]:
        """Return a log line for each bound of `CACHING` that is exceeded."""
        found = []
        if self.seconds > conf().alarm_seconds:
            found.append(f"the oldest increments have waited for {self.seconds:.0f} s")
        if self.bytes > conf().alarm_mb * _MB:
            found.append(f"increments that wait take {self.bytes / _MB:.0f} MB of Redis")
        if self.spill_rows * 2 > conf().spill_rows:
            found.append(f"the spill has {self.spill_rows} rows, and takes {conf().spill_rows}")
        return found


def measure_backlog(family: CounterFamily) -> Backlog:
    """Measure the backlog now. Raises `REDIS_ERRORS` or django.db.Error."""
    buckets = waiting_buckets(family)
    spilled, spill_rows, last = _ask_database(family.name)
    fields = waiting_fields(family, buckets)
    return Backlog(
        buckets=sum(map(len, buckets.values())),
        fields=fields,
        bytes=_bytes(family, buckets, fields),
        seconds=_age(family, [number for numbers in buckets.values() for number in numbers], last or 0.0),
        spilled=spilled,
        spill_rows=spill_rows,
        last_flush_seconds=last,
    )


def waiting_buckets(family: CounterFamily) -> dict[int, list[int]]:
    """Return by shard the numbers of the buckets that Redis holds and no flush has applied, oldest first.

    One query and one round trip.
    """
    # PostgreSQL first: in the other order a bucket that is applied and deleted in between would count as waiting.
    with connection.cursor() as cursor:
        cursor.execute(_APPLIED, [family.name])
        applied = set(cursor.fetchall())
    waiting: dict[int, list[int]] = {}
    for shard, number in family.backlog():
        if (shard, number) not in applied:
            waiting.setdefault(shard, []).append(number)
    return waiting


def waiting_fields(family: CounterFamily, buckets: Mapping[int, Sequence[int]]) -> int:
    """Return how many fields the buckets hold, which are given by shard; one round trip a shard."""
    return sum(sum(family.sizes(shard, numbers)) for shard, numbers in buckets.items())


def last_flush(family: CounterFamily) -> datetime | None:
    """Return when a flush last applied something, by PostgreSQL's clock; None if the ledger is empty."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [family.name])
        newest: datetime | None = cursor.fetchone()[0]
    return newest


def _ask_database(family: str) -> tuple[int, int, float | None]:
    with connection.cursor() as cursor:
        cursor.execute(_SPILLED, [family])
        spilled, rows = cursor.fetchone()
        cursor.execute(_LAST, [family])
        (last,) = cursor.fetchone()
    return spilled, rows, last


def _bytes(family: CounterFamily, waiting: dict[int, list[int]], fields: int) -> int:
    try:
        return sum(sum(family.memory(shard, numbers)) for shard, numbers in waiting.items())
    except ResponseError:
        return fields * FIELD_BYTES


def _age(family: CounterFamily, numbers: Sequence[int], since_flush: float) -> float:
    """Return the age of the oldest bucket in seconds.

    A bucket ahead of the clock was counted while the clock ran ahead; its age is the time since the last flush.
    """
    now_ms = round(family.clock() if family.clock else time.time() * 1000)
    current = now_ms // 1000 // family.bucket_seconds
    ages = (since_flush if number > current else family.age_seconds(number, now_ms) for number in numbers)
    return max(ages, default=0.0)

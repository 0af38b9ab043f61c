"""The backlog of events to deliver, for the job's statistics and for alarms."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

# A limit, so that counting a large backlog does not slow down its delivery.
_MAX_COUNTED = 100_000

# Age counts from `at`, not from `due_at`, which each failure moves later: waiting for a retry is waiting too.
_EVENTS = """
    SELECT count(*), coalesce(extract(epoch FROM greatest(clock_timestamp() - min(at), interval '0')), 0)::float
    FROM (SELECT at FROM offers_offerevent WHERE due_at IS NOT NULL ORDER BY due_at, id LIMIT %(most)s) AS waiting
"""
_GIVEN_UP = """
    SELECT count(*) FROM (
        SELECT FROM offers_offerevent
        WHERE due_at IS NULL AND delivered_at IS NULL AND error <> '' AND error NOT LIKE 'obsolete: %%'
        LIMIT %(most)s
    ) AS counted
"""


@dataclass(frozen=True, slots=True)
class EventBacklog:
    """The number of waiting events, at most 100,000, and how many seconds ago the oldest of them happened."""

    waiting: int
    oldest_seconds: float


def measure() -> EventBacklog:
    """Return the backlog, including events that failed and will be retried."""
    return EventBacklog(*_row(_EVENTS))


def count_given_up() -> int:
    """Return how many events are given up, at most 100,000."""
    return int(_row(_GIVEN_UP)[0])


def _row(sql: str) -> tuple[float, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"most": _MAX_COUNTED})
        row: tuple[float, ...] = cursor.fetchone()
        return row

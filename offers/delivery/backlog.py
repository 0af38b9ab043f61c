"""Events of offers that wait to be delivered, for the job's statistics and for alarms."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

# Counted no further, so that a large backlog is not made worse by those who look at it.
_MAX_COUNTED = 100_000

# By when it happened, since each failure puts off when it is due: the wait for another attempt is a wait too.
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
    """Events that wait, and how many seconds ago the oldest of them happened."""

    waiting: int
    oldest_seconds: float


def measure() -> EventBacklog:
    """Return what waits to be told, also what failed and is to be tried again."""
    return EventBacklog(*_row(_EVENTS))


def count_given_up() -> int:
    """Return how many events were given up and are still so."""
    return int(_row(_GIVEN_UP)[0])


def _row(sql: str) -> tuple[float, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"most": _MAX_COUNTED})
        row: tuple[float, ...] = cursor.fetchone()
        return row

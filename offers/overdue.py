"""Offers past their end that are not closed yet, for the job's statistics and for alarms."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

# A limit, so that counting a large backlog does not slow down the job that reduces it.
_MAX_COUNTED = 100_000

_OVERDUE = """
    SELECT (SELECT count(*) FROM (
                SELECT FROM offers_offer WHERE status = 'active' AND expires_at <= (SELECT clock_timestamp())
                LIMIT %s
            ) AS counted),
           (SELECT coalesce(extract(epoch FROM greatest(clock_timestamp() - min(expires_at), interval '0')), 0)::float
            FROM offers_offer WHERE status = 'active')
"""


@dataclass(frozen=True, slots=True)
class Overdue:
    """Offers that are due and still active, counted to 100,000, and for how many seconds the first has been due."""

    count: int
    oldest_seconds: float


def overdue() -> Overdue:
    """Count the offers past their end that are still active."""
    with connection.cursor() as cursor:
        cursor.execute(_OVERDUE, [_MAX_COUNTED])
        return Overdue(*cursor.fetchone())

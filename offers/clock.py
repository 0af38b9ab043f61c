"""The database's clock, the only clock that decides about offers."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.db.models import DateTimeField, Func


class ClockTimestamp(Func):
    """The database's time at the moment of evaluation.

    For guards: an UPDATE that waited for another transaction evaluates its condition again, and the offer may have
    expired meanwhile. Reads use `Now()`, which is constant within a statement.
    """

    function = "clock_timestamp"
    arity = 0
    output_field = DateTimeField()


def database_now() -> datetime:
    """Return the database's time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now

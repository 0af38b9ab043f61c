"""The database's clock, the one clock that offers live by."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.db.models import DateTimeField, Func


class ClockTimestamp(Func):
    """The database's time at the moment of evaluation.

    A guard needs it: an UPDATE that waited for another transaction evaluates its condition again, and by then
    an offer may be dead. `Now()` stands still for the whole statement, which is what a read wants.
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

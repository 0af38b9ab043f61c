"""PostgreSQL's clock in the hands of a test: it stands still, and goes when it is told to.

Functions of the same names stand before PostgreSQL's own on the search path of each connection that is opened while
this lasts. They answer a moment that is kept in a table, so that all sessions see the same one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.backends.signals import connection_created

_FUNCTIONS = "\n".join(
    f"CREATE FUNCTION testclock.{name}() RETURNS timestamptz LANGUAGE sql {volatility}"
    f" AS 'SELECT {reading} FROM testclock.moment';"
    for name, volatility, reading in (
        ("clock_timestamp", "VOLATILE", "at + step * nextval(''testclock.readings'')"),
        ("statement_timestamp", "STABLE", "at"),
        ("now", "STABLE", "at"),
    )
)
_CREATE = f"""
    DROP SCHEMA IF EXISTS testclock CASCADE;
    CREATE SCHEMA testclock;
    CREATE TABLE testclock.moment (at timestamptz NOT NULL, step interval NOT NULL DEFAULT '0');
    INSERT INTO testclock.moment VALUES (pg_catalog.clock_timestamp());
    CREATE SEQUENCE testclock.readings MINVALUE 0;
    {_FUNCTIONS}
"""


class DatabaseClock:
    """The clock as it stands."""

    def advance(self, by: timedelta) -> None:
        """Let so much time pass."""
        self._run("UPDATE testclock.moment SET at = at + %s", by)

    def set(self, to: datetime) -> None:
        """Let it show a moment."""
        self._run("UPDATE testclock.moment SET at = %s", to)

    def tick(self, step: timedelta) -> None:
        """Let it go on by so much with each reading of `clock_timestamp`, from now on."""
        self._run("UPDATE testclock.moment SET step = %s", step)
        self._run("SELECT setval('testclock.readings', 0, %s)", False)

    def _run(self, sql: str, value: datetime | timedelta | bool) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql, [value])


@contextmanager
def database_clock() -> Iterator[DatabaseClock]:
    """Yield the clock of the test's database, as this connection sees it and all that are opened from now on."""
    with connection.cursor() as cursor:
        cursor.execute(_CREATE)
    connection_created.connect(_stand_before, dispatch_uid="tests.database_clock")
    _stand_before(connection)
    try:
        yield DatabaseClock()
    finally:
        connection_created.disconnect(dispatch_uid="tests.database_clock")
        with connection.cursor() as cursor:
            cursor.execute("RESET search_path; DROP SCHEMA IF EXISTS testclock CASCADE")


def _stand_before(connection: Any, **_: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET search_path = testclock, pg_catalog, public")

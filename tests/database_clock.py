"""PostgreSQL's clock under the control of a test: it stands still until the test advances or sets it.

Functions of the same names come before PostgreSQL's own on the search path of each connection that is opened meanwhile.
They return the moment in a table, so that all sessions see the same one.
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
    """The database's clock."""

    def advance(self, by: timedelta) -> None:
        """Advance the clock by an interval."""
        self._run("UPDATE testclock.moment SET at = at + %s", by)

    def set(self, to: datetime) -> None:
        """Set the clock to a moment."""
        self._run("UPDATE testclock.moment SET at = %s", to)

    def tick(self, step: timedelta) -> None:
        """Advance the clock by `step` with each reading of `clock_timestamp`, from now on."""
        self._run("UPDATE testclock.moment SET step = %s", step)
        self._run("SELECT setval('testclock.readings', 0, %s)", False)

    def _run(self, sql: str, value: datetime | timedelta | bool) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql, [value])


@contextmanager
def database_clock() -> Iterator[DatabaseClock]:
    """Yield the clock of the test's database, for this connection and all that are opened meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(_CREATE)
    connection_created.connect(_search_first, dispatch_uid="tests.database_clock")
    _search_first(connection)
    try:
        yield DatabaseClock()
    finally:
        connection_created.disconnect(dispatch_uid="tests.database_clock")
        with connection.cursor() as cursor:
            cursor.execute("RESET search_path; DROP SCHEMA IF EXISTS testclock CASCADE")


def _search_first(connection: Any, **_: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET search_path = testclock, pg_catalog, public")

"""Empties the database after a test that commits, faster than Django does.

Django truncates every table, and creates the permissions and content types again. Most tests leave a few rows in a few
tables, which are cheaper to delete, and none changes the rows that the migrations made.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.db import connections, transaction
from django.test import TransactionTestCase

KEPT = frozenset({"django_content_type", "auth_permission"})
# If a table has more rows than this, the tables are truncated: their files are dropped, not their rows one by one.
MOST_ROWS = 1000


@contextmanager
def in_place_of_django() -> Iterator[None]:
    """Replace Django's way to empty databases while the context lasts."""
    before = TransactionTestCase._fixture_teardown
    TransactionTestCase._fixture_teardown = _empty_those_of
    try:
        yield
    finally:
        TransactionTestCase._fixture_teardown = before


def empty(alias: str) -> None:
    """Delete all rows of a database, except those in the tables of KEPT."""
    names = _tables(alias)
    with transaction.atomic(alias), connections[alias].cursor() as cursor:
        # Wait for sessions that still write, such as one whose process was just killed.
        cursor.execute(f"LOCK TABLE {', '.join(names)} IN SHARE MODE")
        counts = [f"(SELECT {_text(name)}, count(*) FROM (SELECT FROM {name} LIMIT {MOST_ROWS + 1}))" for name in names]
        cursor.execute(" UNION ALL ".join(counts))
        rows = {name: count for name, count in cursor.fetchall() if count}
        if any(count > MOST_ROWS for count in rows.values()):
            cursor.execute(f"TRUNCATE {', '.join(names)}")
        elif rows:
            # Foreign keys are checked at the commit, so the order does not matter.
            cursor.execute("; ".join(f"DELETE FROM {name}" for name in rows))


@cache
def _tables(alias: str) -> list[str]:
    connection = connections[alias]
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return [connection.ops.quote_name(name) for name in names if name not in KEPT]


def _text(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def _empty_those_of(case: Any) -> None:
    for alias in case._databases_names(include_mirrors=False):
        empty(alias)

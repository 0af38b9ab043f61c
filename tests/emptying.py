"""How the database is emptied after a test that commits.

Django truncates every table and has the permissions and content types made anew. Most tests leave a few rows in a few
tables, and what the migrations made is the same after each of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.db import connections, transaction
from django.test import TransactionTestCase

KEPT = frozenset({"django_content_type", "auth_permission"})
# Of a table with more rows than this a file is thrown away, and not its rows one by one.
MOST_ROWS = 1000


@contextmanager
def in_place_of_django() -> Iterator[None]:
    """Empty databases in this way as long as the context lasts."""
    before = TransactionTestCase._fixture_teardown
    TransactionTestCase._fixture_teardown = _empty_those_of
    try:
        yield
    finally:
        TransactionTestCase._fixture_teardown = before


def empty(alias: str) -> None:
    """Take all rows from all tables of a database but those that a migration made."""
    names = _tables(alias)
    with transaction.atomic(alias), connections[alias].cursor() as cursor:
        # A session that still writes, such as that of a process which was just killed, is waited for.
        cursor.execute(f"LOCK TABLE {', '.join(names)} IN SHARE MODE")
        counts = [f"(SELECT {_text(name)}, count(*) FROM (SELECT FROM {name} LIMIT {MOST_ROWS + 1}))" for name in names]
        cursor.execute(" UNION ALL ".join(counts))
        rows = {name: count for name, count in cursor.fetchall() if count}
        if any(count > MOST_ROWS for count in rows.values()):
            cursor.execute(f"TRUNCATE {', '.join(names)}")
        elif rows:
            # References are looked at when it commits, so the order is of no account.
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

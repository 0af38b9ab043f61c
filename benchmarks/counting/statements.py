"""Counts statements and transactions: those that a connection of Django's sends, and those in pg_stat_database."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from django.db import connection
from psycopg.pq import TransactionStatus

_TABLES = (
    "products_productviews",
    "products_productviewshour",
    "caching_counterbucket",
    "caching_jobrun",
)
_TRANSACTIONS = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
_OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
_SETTLE_SECONDS = 5.0
_WRITES = "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables WHERE relname = ANY(%s)"


class Statements:
    """A wrapper of `connection.execute` that counts statements and transactions, for one thread.

    A statement outside a transaction is one itself. BEGIN and COMMIT count as statements; the driver sends both, past
    every wrapper.
    """

    def __init__(self) -> None:
        self.statements = 0
        self.transactions = 0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        driver = context["connection"].connection
        self.statements += 1
        if driver.info.transaction_status == TransactionStatus.IDLE:
            self.transactions += 1
            self.statements += 0 if driver.autocommit else 2
        return execute(sql, params, many, context)

    def watch(self) -> Statements:
        """Count what this thread's connection sends from now on, and return self."""
        connection.execute_wrappers.append(self)
        return self


def settle() -> None:
    """Close this process's sessions, and wait until all others have ended: only then have they all reported to
    pg_stat_database."""
    connection.close()
    connection.close_pool()
    deadline = time.monotonic() + _SETTLE_SECONDS
    # The pool would open more sessions than one.
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as alone:
        while alone.execute(_OTHERS).fetchone() != (0,) and time.monotonic() < deadline:
            time.sleep(0.05)


def server_transactions() -> int:
    """Return the number of transactions in this database, by the server's statistics."""
    return int(_ask(_TRANSACTIONS)[0][0])


def row_writes() -> dict[str, int]:
    """Return the rows that were ever written, for each table that a flush writes."""
    return dict(_ask(_WRITES, [list(_TABLES)]))


def _ask(sql: str, parameters: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()

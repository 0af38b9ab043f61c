"""Whether the caller is inside a transaction, asked without opening a connection."""

from __future__ import annotations

from django.db import transaction


def in_transaction() -> bool:
    """Return whether the caller's reads and writes may still be rolled back.

    That is so inside `atomic`, and where autocommit is off. A connection that is not open yet is in no transaction.
    """
    connection = transaction.get_connection()
    return connection.in_atomic_block or (connection.connection is not None and not connection.autocommit)

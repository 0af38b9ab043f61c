"""Whether the caller is inside a transaction, asked without opening a connection."""

from __future__ import annotations

from django.db import transaction


def in_transaction() -> bool:
    """Return whether what the caller reads and writes now may yet be taken back.

    That is inside `atomic`, and wherever autocommit was switched off; a connection that is not open yet is in none.
    """
    connection = transaction.get_connection()
    return connection.in_atomic_block or (connection.connection is not None and not connection.autocommit)

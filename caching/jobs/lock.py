"""Exclusive blocks by name: an advisory lock of the PostgreSQL session that does the work; it ends with the session.

The lock needs one session for the whole block: behind PgBouncer use session pooling for the workers.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from caching.errors import DATABASE_ERRORS

logger = logging.getLogger(__name__)


def lock_key(name: str) -> int:
    """Return the lock's number: 64 bits of a hash that is the same in every process and release."""
    digest = hashlib.blake2b(f"caching.job:{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


@contextmanager
def exclusive(name: str) -> Iterator[bool]:
    """Hold the lock `name` while the block runs and yield True; yield False at once if another session holds it."""
    key = lock_key(name)
    if not _ask("SELECT pg_try_advisory_lock(%s)", key):
        yield False
        return
    try:
        yield True
    finally:
        _release(name, key)


def _release(name: str, key: int) -> None:
    try:
        if not _ask("SELECT pg_advisory_unlock(%s)", key):
            logger.warning("the lock of %s was lost while it ran: its database session had ended", name)
    except DATABASE_ERRORS:
        # A pool would reuse this session with the lock still held. Only the end of the session surely frees the lock.
        logger.warning("the lock of %s could not be released; its database session is ended", name)
        if connection.connection is not None:
            connection.connection.close()
        connection.close()


def _ask(sql: str, key: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql, [key])
        return bool(cursor.fetchone()[0])

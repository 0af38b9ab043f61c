"""This project's own layer: `fetch`, `fetch_many`, `invalidate`, `clear`, with the settings that it ships."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, ClassVar

from benchmarks.libraries.orm import TABLE, change_row
from benchmarks.libraries.peer import FROZEN, PLAIN, STALE, Peer

SOURCE = "benchmarks.libraries.ours_source"


class Ours(Peer):
    """Loads rows of PostgreSQL through the project's own pool; refreshes run in a Celery worker."""

    title = "ours"
    laws = PLAIN | {STALE}
    timeout: ClassVar[float | None] = None

    def start(self) -> None:
        import django

        django.setup()
        from benchmarks.libraries.ours_source import LOADER, THINGS

        self._things: Any = THINGS
        self.loader = LOADER

    def read(self, id: int) -> int:
        from django.db import connection

        from caching import fetch

        try:
            return _version(fetch(self._things, id).body or b"")
        finally:
            # As at the end of a request: otherwise this thread would keep a connection of the pool.
            connection.close()

    def read_many(self, ids: Sequence[int]) -> dict[int, int]:
        from caching import fetch_many

        return {int(id): _version(body) for id, body in fetch_many(self._things, ids).bodies.items()}

    def write(self, id: int, version: int) -> None:
        from django.db import connection, transaction

        from caching import invalidate

        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"UPDATE {TABLE} SET version = %s WHERE id = %s", [version, id])
            invalidate(self._things, [id])

    def change(self, id: int, version: int) -> None:
        change_row(self.place.database_url, id, version)

    def clear(self) -> None:
        from caching import clear

        clear(self._things.policy.namespace)

    @staticmethod
    def worker() -> list[str]:
        """Return the command of the worker that refreshes."""
        options = ["--pool", "solo", "-Q", "celery,jobs", "--without-gossip", "--without-mingle", "-l", "INFO"]
        quiet = ("-W", "ignore::UserWarning:celery.platforms")
        return [sys.executable, *quiet, "-m", "celery", "-A", "marketplace", "worker", "-I", SOURCE, *options]


class OursPatient(Ours):
    """With the timeout of the peers."""

    way = "timeout of 1 s"
    laws = frozenset({FROZEN})
    timeout: ClassVar[float | None] = 1.0


def environment(redis_url: str, timeout: float | None) -> dict[str, str]:
    """Return the variables that point the project at the Redis under test, with a database connection a caller."""
    urls = dict.fromkeys(("REDIS_URL", "REDIS_CACHE_URL", "REDIS_STATE_URL", "CELERY_BROKER_URL"), redis_url)
    shipped = {} if timeout is None else {"REDIS_TIMEOUT_SECONDS": str(timeout)}
    return {**urls, "WEB_THREADS": "10", "LOG_LEVEL": "ERROR", **shipped}


def _version(body: bytes) -> int:
    return int(json.loads(body)["version"])

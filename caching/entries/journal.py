"""The journal of invalidations, which survives an outage of Redis and the death of the writer (docs/decisions/0006).

A writer's transaction records what it invalidates; the record is deleted once Redis has erased the entries. A process
reads from Redis only while its last check of the journal, which replays all records, is younger than TRUST_SECONDS. So
a writer whose erasure failed waits that long; from then on no process reads what it invalidated. (A reader's trust is a
lease in the sense of Gray and Cheriton, SOSP 1989.)
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

from caching import metrics
from caching.entries.erasure import erase, erase_all
from caching.errors import DATABASE_ERRORS, StoreUnavailable
from caching.keys import Id
from caching.redis.connections import pool

logger = logging.getLogger(__name__)

TRUST_SECONDS = 1.0
# A check begins when this much of the trust is left, so that under load no reader waits for it.
EARLY_SECONDS = 0.3
# How long readers wait for a check, from its beginning. After that PostgreSQL counts as away: nothing can be loaded or
# written either, so the entries in Redis are the best answer.
PATIENCE_SECONDS = 1.0
# Records of one query; each may hold many ids.
_CHUNK = 200


class Check:
    """One check of the journal. `failed` is False once Redis erased everything recorded, or if PostgreSQL was away."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.done = threading.Event()
        self.failed = True


class Journal:
    """The journal as one process sees it. `clock` is monotonic, in seconds.

    A check has a thread and a connection of its own: it takes no part in a reader's transaction, and a reader waits
    for it no longer than PATIENCE_SECONDS, whatever PostgreSQL does.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.start_afresh()

    def start_afresh(self) -> None:
        """Drop the trust, the last check and the lock, as in a new process."""
        self._trusted_until = 0.0
        self._check: Check | None = None
        self._lock = threading.Lock()

    def trust(self, seconds: float) -> None:
        """Assume for this long that the journal is empty."""
        self._trusted_until = self._clock() + seconds

    def ensure_checked(self) -> None:
        """Make sure that Redis may be read: if the last check is too old, check the journal and replay it.

        Raises StoreUnavailable if the breaker is open, or if Redis does not answer the replay.
        """
        left = self._trusted_until - self._clock()
        if left > EARLY_SECONDS:
            return
        if pool("cache").breaker.is_open:
            raise StoreUnavailable("Redis is away, so nothing can be replayed")
        check = self._begin()
        if left > 0:
            return
        if not check.done.wait(max(0.0, check.began + PATIENCE_SECONDS - self._clock())):
            logger.warning("the journal of invalidations could not be read within %s s", PATIENCE_SECONDS)
            self.trust(TRUST_SECONDS)
        elif check.failed:
            raise StoreUnavailable("the journal of invalidations could not be replayed")

    @staticmethod
    def record(namespace: str, ids: Sequence[Id] | None) -> int:
        """Record an invalidation in the current transaction (None: the whole namespace); return its number."""
        from caching.models import Invalidation

        number: int = Invalidation.objects.create(namespace=namespace, ids=ids).pk
        return number

    @staticmethod
    def records(after: int) -> list[tuple[int, str, Any]]:
        """Return the next records after a number, as (number, namespace, ids); ids are None for a whole namespace."""
        from caching.models import Invalidation

        rows = Invalidation.objects.filter(pk__gt=after).order_by("pk").values_list("pk", "namespace", "ids")
        return list(rows[:_CHUNK])

    @staticmethod
    def delete(numbers: Sequence[int]) -> None:
        """Delete records that Redis has erased. One that cannot be deleted is replayed again, which is idempotent."""
        from caching.models import Invalidation

        try:
            Invalidation.objects.filter(pk__in=numbers).delete()
        except DATABASE_ERRORS as error:
            logger.warning("%d records of the journal were not deleted: %s", len(numbers), error)

    def _begin(self) -> Check:
        """Return the check that is running, or begin one."""
        with self._lock:
            check = self._check
            if check is None or (check.done.is_set() and self._trusted_until - self._clock() <= EARLY_SECONDS):
                check = self._check = Check(self._clock())
                threading.Thread(target=self._replay, args=[check], name="journal", daemon=True).start()
            return check

    def _replay(self, check: Check) -> None:
        """Erase what is recorded, delete the records, and trust Redis from the moment at which the check began."""
        last = 0
        try:
            while records := self.records(last):
                for last, namespace, ids in records:  # noqa: B007
                    erase_all(namespace) if ids is None else erase(namespace, ids)
                    metrics.JOURNALED.labels(namespace).inc()
                self.delete([number for number, _, _ in records])
            self._trusted_until = max(self._trusted_until, check.began + TRUST_SECONDS)
            check.failed = False
        except StoreUnavailable as error:
            logger.warning("the journal of invalidations waits for Redis: %s", error)
        except DATABASE_ERRORS as error:
            logger.warning("the journal of invalidations cannot be read: %s", error)
            self.trust(TRUST_SECONDS)
            check.failed = False
        finally:
            connection.close()
            check.done.set()


journal = Journal()
os.register_at_fork(after_in_child=journal.start_afresh)

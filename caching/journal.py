"""The journal of invalidations, which outlives an outage of Redis and the death of the process that wrote.

Who writes a row notes in the same transaction what it makes old, and strikes the note out once Redis has forgotten
it. A process reads from Redis only while its last look at the journal is less than TRUST_SECONDS old, and makes up
for what it finds there. So a writer whose invalidation failed need only wait that long: from then on no process
reads what it made old, whether or not the writer, or anybody else, can reach Redis. (The reader's trust is a lease
in the sense of Gray and Cheriton, SOSP 1989: who cannot call it back waits for its end.)
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from django.db import DatabaseError, InterfaceError, transaction
from psycopg_pool import PoolTimeout

from caching import metrics
from caching.erasure import StoreUnavailable, erase, erase_all
from caching.keys import Id

logger = logging.getLogger(__name__)

TRUST_SECONDS = 1.0
# When one thread looks again while the last look is still good, so that nobody has to wait for it.
EARLY_SECONDS = 0.3
# Notes that are read at once; each may hold many ids.
_CHUNK = 200
_DatabaseAway = (DatabaseError, InterfaceError, PoolTimeout)


class Journal:
    """The journal as one process sees it. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._trusted_until = 0.0
        self._lock = threading.Lock()

    def check(self) -> None:
        """Make sure that Redis may be read: look at the journal if the last look is too old, and make up for it.

        Under load one thread looks a little early, and the others go on meanwhile.
        Raises StoreUnavailable if there is something to make up for and Redis does not answer.
        """
        left = self._trusted_until - self._clock()
        if left > EARLY_SECONDS:
            return
        if self._lock.acquire(blocking=left <= 0):
            try:
                if self._trusted_until - self._clock() <= EARLY_SECONDS:
                    self._trusted_until = self._look() + TRUST_SECONDS
            finally:
                self._lock.release()

    def trust(self, seconds: float) -> None:
        """Take the journal as empty for so long."""
        self._trusted_until = self._clock() + seconds

    def note(self, namespace: str, ids: Sequence[Id] | None) -> int:
        """Note what is made old (None for the whole namespace) in the current transaction; return the note's number."""
        from caching.models import Invalidation

        number: int = Invalidation.objects.create(namespace=namespace, ids=ids).pk
        return number

    def strike(self, numbers: Sequence[int]) -> None:
        """Delete notes that Redis has heard of; one that cannot be deleted is made up for once more, in vain."""
        from caching.models import Invalidation

        try:
            Invalidation.objects.filter(pk__in=numbers).delete()
        except _DatabaseAway as error:
            logger.warning("%d notes of the journal were not struck out: %s", len(numbers), error)

    def start_afresh(self) -> None:
        """Trust nothing and hold nothing, as in a new process."""
        self._trusted_until = 0.0
        self._lock = threading.Lock()

    def _look(self) -> float:
        """Make up for all notes, and return the time from which on there may be others."""
        connection = transaction.get_connection()
        if connection.needs_rollback:
            raise StoreUnavailable("the journal cannot be read in a transaction that is to be rolled back")
        began = self._clock()
        try:
            self._make_up(strike=not connection.in_atomic_block)
        except _DatabaseAway:
            if connection.in_atomic_block:
                raise
            # The connection may have been cut while PostgreSQL is well and others write: only a new one can tell.
            connection.close()
            try:
                self._make_up(strike=True)
            except _DatabaseAway as error:
                # Nothing can be loaded or written either, so what Redis has is the best there is.
                logger.warning("the journal of invalidations cannot be read: %s", error)
                return self._clock()
        return began

    def _make_up(self, strike: bool) -> None:
        """Erase what is noted. Struck out inside a transaction notes might come back with a rollback, and until then
        hold up who else strikes them."""
        last = 0
        while notes := self._notes(last):
            for last, namespace, ids in notes:  # noqa: B007
                erase_all(namespace) if ids is None else erase(namespace, ids)
                metrics.JOURNALED.labels(namespace).inc()
            if strike:
                self.strike([number for number, _, _ in notes])

    def _notes(self, after: int) -> list[tuple[int, str, Any]]:
        from caching.models import Invalidation

        rows = Invalidation.objects.filter(pk__gt=after).order_by("pk").values_list("pk", "namespace", "ids")
        return list(rows[:_CHUNK])


journal = Journal()
os.register_at_fork(after_in_child=journal.start_afresh)

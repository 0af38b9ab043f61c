"""The journal of invalidations, which outlives an outage of Redis and the death of the process that wrote.

Who writes a row notes in the same transaction what it makes old, and strikes the note out once Redis has forgotten
it. A process reads from Redis only while its last look at the journal is less than TRUST_SECONDS old, and makes up
for what it finds there. So a writer whose invalidation failed need only wait that long: from then on no process
reads what it made old, whether or not the writer, or anybody else, can reach Redis. (The reader's trust is a lease
in the sense of Gray and Cheriton, SOSP 1989: who cannot call it back waits for its end.)

A look has a thread and a connection of its own, so it takes no part in a reader's transaction and holds a reader up
for no longer than PATIENCE_SECONDS, whatever PostgreSQL does.
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
# When a look begins while the last one is still good, so that under load nobody has to wait for it.
EARLY_SECONDS = 0.3
# How long readers wait for a look, counted from its beginning. After that PostgreSQL counts as away: nothing could be
# loaded or written either, so what Redis has is the best there is.
PATIENCE_SECONDS = 1.0
# Notes that are read at once; each may hold many ids.
_CHUNK = 200


class Look:
    """One look at the journal; `failed` unless Redis was told all that was found, or PostgreSQL was away."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.done = threading.Event()
        self.failed = True


class Journal:
    """The journal as one process sees it. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.start_afresh()

    def start_afresh(self) -> None:
        """Trust nothing and hold nothing, as in a new process."""
        self._trusted_until = 0.0
        self._look: Look | None = None
        self._lock = threading.Lock()

    def trust(self, seconds: float) -> None:
        """Take the journal as empty for so long."""
        self._trusted_until = self._clock() + seconds

    def check(self) -> None:
        """Make sure that Redis may be read: look at the journal if the last look is too old, and make up for it.

        Raises StoreUnavailable if there is something to make up for and Redis does not answer.
        """
        left = self._trusted_until - self._clock()
        if left > EARLY_SECONDS:
            return
        if pool("cache").breaker.is_open:
            raise StoreUnavailable("Redis is away, and nothing can be made up for")
        look = self._begin()
        if left > 0:
            return
        if not look.done.wait(max(0.0, look.began + PATIENCE_SECONDS - self._clock())):
            logger.warning("the journal of invalidations could not be read within %s s", PATIENCE_SECONDS)
            self.trust(TRUST_SECONDS)
        elif look.failed:
            raise StoreUnavailable("what the journal holds could not be made up for")

    @staticmethod
    def note(namespace: str, ids: Sequence[Id] | None) -> int:
        """Note what is made old (None for the whole namespace) in the current transaction; return the note's number."""
        from caching.models import Invalidation

        number: int = Invalidation.objects.create(namespace=namespace, ids=ids).pk
        return number

    @staticmethod
    def strike(numbers: Sequence[int]) -> None:
        """Delete notes that Redis has heard of; one that cannot be deleted is made up for once more, in vain."""
        from caching.models import Invalidation

        try:
            Invalidation.objects.filter(pk__in=numbers).delete()
        except DATABASE_ERRORS as error:
            logger.warning("%d notes of the journal were not struck out: %s", len(numbers), error)

    def _begin(self) -> Look:
        """Return the look that is under way, or begin one."""
        with self._lock:
            look = self._look
            if look is None or (look.done.is_set() and self._trusted_until - self._clock() <= EARLY_SECONDS):
                look = self._look = Look(self._clock())
                threading.Thread(target=self._make_up, args=[look], name="journal", daemon=True).start()
            return look

    def _make_up(self, look: Look) -> None:
        """Erase what is noted, strike it out, and trust Redis from the moment at which the look began."""
        last = 0
        try:
            while notes := self._notes(last):
                for last, namespace, ids in notes:  # noqa: B007
                    erase_all(namespace) if ids is None else erase(namespace, ids)
                    metrics.JOURNALED.labels(namespace).inc()
                self.strike([number for number, _, _ in notes])
            self._trusted_until = max(self._trusted_until, look.began + TRUST_SECONDS)
            look.failed = False
        except StoreUnavailable as error:
            logger.warning("the journal of invalidations waits for Redis: %s", error)
        except DATABASE_ERRORS as error:
            logger.warning("the journal of invalidations cannot be read: %s", error)
            self.trust(TRUST_SECONDS)
            look.failed = False
        finally:
            connection.close()
            look.done.set()

    @staticmethod
    def _notes(after: int) -> list[tuple[int, str, Any]]:
        from caching.models import Invalidation

        rows = Invalidation.objects.filter(pk__gt=after).order_by("pk").values_list("pk", "namespace", "ids")
        return list(rows[:_CHUNK])


journal = Journal()
os.register_at_fork(after_in_child=journal.start_afresh)

"""The spill: increments that PostgreSQL accepts while Redis is away, until the flush merges them into the totals.

Increments of an id within an hour share a few rows, so ids and hours bound the size of the spill; `spill_rows` of
`CACHING` bounds it too. A query for totals adds the spill (`SPILLED`), so that merging changes no sum. What the spill
cannot accept is refused: counted in a metric, and logged at most once a second (docs/decisions/0009).
"""

from __future__ import annotations

import logging
import threading
import time

from django.db import connection

from caching import metrics
from caching.conf import conf
from caching.errors import DATABASE_ERRORS

logger = logging.getLogger(__name__)

# A column for the query that reads totals: what the spill holds of an id. Its parameter is the family, and `{id}`
# stands for the SQL of the id.
SPILLED = """(
    SELECT coalesce(sum(amount), 0)::bigint FROM caching_counterspill WHERE family = %s AND counter = {id}
)"""

# Concurrent counts of an id share a row only if their sessions share one of 8 slots. The limit is checked for new rows
# only, as max(id) - min(id) + 1: never less than the true number, and two index look-ups.
_ACCEPT = """
    WITH mine AS (
        SELECT date_trunc('hour', statement_timestamp()) AS hour, pg_backend_pid() %% 8 AS slot
    ), known AS (
        UPDATE caching_counterspill AS spill SET amount = spill.amount + %(amount)s FROM mine
        WHERE spill.family = %(family)s AND spill.counter = %(id)s
          AND spill.hour = mine.hour AND spill.slot = mine.slot
        RETURNING spill.id
    ), added AS (
        INSERT INTO caching_counterspill AS spill (family, counter, hour, slot, amount)
        SELECT %(family)s, %(id)s, mine.hour, mine.slot, %(amount)s FROM mine
        WHERE NOT EXISTS (SELECT FROM known) AND %(rows)s > (
            SELECT coalesce(max(id) - min(id) + 1, 0) FROM caching_counterspill WHERE family = %(family)s)
        ON CONFLICT (family, counter, hour, slot) DO UPDATE SET amount = spill.amount + excluded.amount
        RETURNING spill.id
    )
    SELECT id FROM known UNION ALL SELECT id FROM added
"""
_LOG_EVERY_SECONDS = 1.0


def accept(family: str, id: int, amount: int, unknown: bool = False) -> bool:
    """Accept an increment that Redis did not take; return False if it had to be refused.

    It is refused if Redis may have counted it (`unknown`), if the spill is full, and if PostgreSQL is away.
    """
    reason = "unknown" if unknown else _insert(family, id, amount)
    if reason is not None:
        refuse(family, amount, reason)
        return False
    metrics.SPILLED.labels(family).inc(amount)
    return True


def refuse(family: str, amount: int, reason: str) -> None:
    """Record that an increment was refused.

    Reasons are `unknown` (a reply was lost, so Redis may have counted it), `full` (the spill has no room) and
    `database` (PostgreSQL is away too).
    """
    metrics.INCREMENTS_REFUSED.labels(family, reason).inc(amount)
    log.refused(family, amount, reason)


def _insert(family: str, id: int, amount: int) -> str | None:
    """Add an increment to the spill, or return why it was not added."""
    try:
        with connection.cursor() as cursor:
            rows = conf().spill_rows
            cursor.execute(_ACCEPT, {"family": family, "id": id, "amount": amount, "rows": rows})
            return None if cursor.fetchone() else "full"
    except DATABASE_ERRORS:
        logger.warning("the spill did not take an increment", exc_info=True)
        return "database"


class RefusalLog:
    """Logs refused increments at once, and then at most once a second with their sum."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.start_afresh()

    def start_afresh(self) -> None:
        """Forget what was refused and not logged yet."""
        self._unlogged = 0
        self._next_line = 0.0

    def refused(self, family: str, amount: int, reason: str) -> None:
        """Log a refusal, or add it to the sum of the next line."""
        with self._lock:
            self._unlogged += amount
            now = time.monotonic()
            if now < self._next_line:
                return
            total, self._unlogged, self._next_line = self._unlogged, 0, now + _LOG_EVERY_SECONDS
        logger.error("%d increments were refused since the last such line, one of %s now: %s", total, family, reason)


log = RefusalLog()

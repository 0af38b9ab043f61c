"""The spill: increments that PostgreSQL accepts while Redis is away, until the flush merges them into the totals.

Increments of an id within an hour gather in a few rows, so what an outage costs is bounded by ids and hours, and by a
number of rows. Whoever asks for a total counts the spill in (`SPILLED`), so that merging changes no sum.
"""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import connection

from caching import metrics
from caching.counters.refusals import refuse
from caching.errors import DATABASE_ERRORS

logger = logging.getLogger(__name__)

# A column for the query that reads totals: what of an id is in the spill. Its parameter is the family.
SPILLED = """(
    SELECT coalesce(sum(amount), 0)::bigint FROM caching_counterspill WHERE family = %s AND counter = {id}
)"""

# Those who count an id at once meet in a row only if their sessions share a slot. The bound is one for new rows: their
# ids only grow, so their span bounds their number, and costs two looks at an index.
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


def take(family: str, id: int, amount: int, unknown: bool = False) -> bool:
    """Accept an increment that Redis did not take, and return whether that was to be had.

    It is refused if it may have been counted all the same (`unknown`), if the spill is full, and if PostgreSQL is
    away.
    """
    reason = "unknown" if unknown else _accept(family, id, amount)
    if reason is not None:
        refuse(family, amount, reason)
        return False
    metrics.SPILLED.labels(family).inc(amount)
    return True


def _accept(family: str, id: int, amount: int) -> str | None:
    """Insert a row, or return why that could not be."""
    try:
        with connection.cursor() as cursor:
            rows = settings.COUNTER_SPILL_ROWS
            cursor.execute(_ACCEPT, {"family": family, "id": id, "amount": amount, "rows": rows})
            return None if cursor.fetchone() else "full"
    except DATABASE_ERRORS:
        logger.warning("the spill did not take an increment", exc_info=True)
        return "database"

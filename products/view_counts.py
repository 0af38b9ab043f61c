"""Counts views: at once in Redis, from where the flush writes them to PostgreSQL."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from caching import DATABASE_ERRORS
from caching.counters import MAX_COUNT, Applied, Visit, flush, measure_backlog
from caching.redis import REDIS_ERRORS
from products.cache import product_views, products

logger = logging.getLogger(__name__)

_APPLY = """
    WITH counted AS MATERIALIZED (
        SELECT id, views FROM unnest(%s::bigint[], %s::bigint[]) AS d (id, views)
    ), known AS MATERIALIZED (
        SELECT p.id, counted.views FROM counted JOIN products_product p ON p.id = counted.id
        ORDER BY p.id
        FOR KEY SHARE OF p
    ), totals AS (
        INSERT INTO products_productviews AS t (product_id, views)
        SELECT id, views FROM known ORDER BY id
        ON CONFLICT (product_id) DO UPDATE SET views = t.views + excluded.views
            WHERE t.views < %s - excluded.views
        RETURNING product_id
    ), hours AS (
        INSERT INTO products_productviewshour AS h (hour, product_id, views)
        SELECT %s, known.id, known.views FROM known JOIN totals ON totals.product_id = known.id ORDER BY known.id
        ON CONFLICT (hour, product_id) DO UPDATE SET views = h.views + excluded.views
    )
    SELECT counted.id, known.id IS NOT NULL
    FROM counted LEFT JOIN known ON known.id = counted.id LEFT JOIN totals ON totals.product_id = counted.id
    WHERE totals.product_id IS NULL
"""


def increment_view(product_id: int, visit: Visit | None = None) -> int | None:
    """Count one view and return the live count; None if there is no such product.

    Without Redis the view goes to the spill in PostgreSQL, and the count is the total there. Raises IncrementRefused if
    neither accepted the view, or if Redis may have counted it but did not answer: do not retry it. Raises one of
    DATABASE_ERRORS if the total was needed and could not be read.
    """
    return products.increment(product_id, visit=visit)


def sync_view_counts() -> dict[str, Any]:
    """Flush every sealed bucket into PostgreSQL.

    Returns the statistics of the run: `products_synced` and `total_views` are distinct products and views applied, the
    others are the fields of FlushStats of the same names, and the duration in milliseconds.
    """
    started = time.perf_counter()
    done = flush(product_views, apply_views)
    _log_alarms()
    return {
        "products_synced": done.ids,
        "total_views": done.total,
        "buckets": done.buckets,
        "orphaned": done.orphaned,
        "overflowed": done.overflowed,
        "spilled": done.spilled,
        "poison": done.poison,
        "changed": done.changed,
        "backlog_seconds": done.backlog_seconds,
        "duration_ms": round((time.perf_counter() - started) * 1000, 1),
    }


def _log_alarms() -> None:
    try:
        for alarm in measure_backlog(product_views).alarms():
            logger.error("views: %s", alarm)
    except (*REDIS_ERRORS, *DATABASE_ERRORS) as error:
        # The flush itself has succeeded, and its statistics must be recorded.
        logger.warning("the backlog of views could not be measured: %s", error)


def apply_views(hour: datetime, views: Mapping[int, int]) -> Applied:
    """Add views, sorted by product, to the totals and to the hour, in one statement; return what was not added.

    Rows are locked in the order of their ids, so that two flushes cannot deadlock. Products are locked against
    deletion, so that none is deleted after it was found and before its views are added. A total that would reach
    MAX_COUNT is left as it is.
    """
    with connection.cursor() as cursor:
        cursor.execute(_APPLY, [list(views), list(views.values()), MAX_COUNT, hour])
        left_out = cursor.fetchall()
    return Applied(
        gone=frozenset(id for id, exists in left_out if not exists),
        full=frozenset(id for id, exists in left_out if exists),
    )

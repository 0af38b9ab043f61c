"""Counting views: into Redis at once, and from there into PostgreSQL by the flush."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from caching.flush import flush
from products.cache import load_products, product_views
from products.models import ProductViewsHour


def increment_view(product_id: int) -> int | None:
    """Count one view and return the live count; None if there is no such product.

    Raises redis.RedisError if Redis did not reply: whether it counted is then unknown, so do not repeat it.
    """
    live = product_views.increment(product_id)
    if live is not None:
        return live
    load = load_products([product_id])
    if product_id not in load.totals:
        return None
    return product_views.seed({product_id: load.totals[product_id]}, load.applied, amount=1)[product_id]


def sync_view_counts() -> dict[str, Any]:
    """Flush every sealed bucket into PostgreSQL and return what that was."""
    started = time.perf_counter()
    done = flush(product_views, apply_views)
    return {
        "products_synced": done.ids,
        "total_views": done.total,
        "buckets": done.buckets,
        "orphaned": done.orphaned,
        "poison": done.poison,
        "backlog_seconds": done.backlog_seconds,
        "duration_ms": round((time.perf_counter() - started) * 1000, 1),
    }


def apply_views(hour: datetime, views: Mapping[int, int]) -> set[int]:
    """Add views to the totals and to the hour, in one statement; return the ids of products that exist.

    Rows are locked in the order of their ids, so that two flushes cannot deadlock. Products are locked against
    deletion, so that none vanishes between being found and being counted.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH known AS MATERIALIZED (
                SELECT p.id, d.views
                FROM unnest(%s::bigint[], %s::bigint[]) AS d (id, views)
                JOIN products_product p ON p.id = d.id
                ORDER BY p.id
                FOR KEY SHARE OF p
            ), totals AS (
                INSERT INTO products_productviews AS t (product_id, views)
                SELECT id, views FROM known ORDER BY id
                ON CONFLICT (product_id) DO UPDATE SET views = t.views + excluded.views
            ), hours AS (
                INSERT INTO products_productviewshour AS h (hour, product_id, views)
                SELECT %s, id, views FROM known ORDER BY id
                ON CONFLICT (hour, product_id) DO UPDATE SET views = h.views + excluded.views
            )
            SELECT id FROM known
            """,
            [list(views), list(views.values()), hour],
        )
        return {row[0] for row in cursor.fetchall()}


def forget_old_hours() -> int:
    """Delete hourly history past its retention and return how many rows that were."""
    limit = timezone.now() - timedelta(days=settings.VIEW_HISTORY_DAYS)
    return ProductViewsHour.objects.filter(hour__lt=limit).delete()[0]

"""The history of views by the hour: trending products, the hours of one product, and the deletion of old hours.

The flush writes one row for each product and hour, in the transaction that also writes the totals. Hours are whole
hours of UTC. The database's clock says which one is the current hour.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

TRENDING_HOURS = 24
# Rows in one statement: it must end before the statement timeout, and a flush may wait for one of its rows.
FORGET_BATCH = 10_000

# The weight of a view in the current hour. Weights are whole numbers, whose sums do not depend on the order of the
# rows, so products with the same views have the same score on every page. Sums of fractions would differ in the last
# digit.
_FULL_WEIGHT = 2**20

# The subquery looks up products in the order of the ranking until the page is full. A join would be planned as a scan
# of the whole catalogue, although only a few thousand products have views of the last day.
# An hour in the future, written under a clock that was ahead, weighs as much as the current one.
_TRENDING = """
    SELECT ranked.product_id
    FROM (SELECT product_id, sum(views * (%s::float8[])[
              1 + greatest(0, floor(date_part('epoch', statement_timestamp() - hour) / 3600))::int]) AS score
          FROM products_productviewshour
          WHERE hour > statement_timestamp() - %s GROUP BY product_id
          ORDER BY score DESC, product_id DESC OFFSET 0) AS ranked
    WHERE (SELECT status FROM products_product WHERE id = ranked.product_id) = 'available'
    ORDER BY ranked.score DESC, ranked.product_id DESC
    LIMIT %s OFFSET %s
"""
_BY_HOUR = """
    SELECT span.hour, coalesce(seen.views, 0)
    FROM (SELECT date_trunc('hour', statement_timestamp(), 'UTC') - n * interval '1 hour' AS hour
          FROM generate_series(0, %s - 1) AS n) AS span
    LEFT JOIN (SELECT hour, views FROM products_productviewshour WHERE product_id = %s) AS seen USING (hour)
    ORDER BY span.hour
"""
# SKIP LOCKED leaves a row that a flush is writing to the next run: without a wait there is no deadlock.
_FORGET = """
    DELETE FROM products_productviewshour WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM products_productviewshour WHERE hour < statement_timestamp() - %s
        ORDER BY hour LIMIT %s FOR UPDATE SKIP LOCKED))
"""


def trending_ids(start: int, count: int) -> list[int]:
    """Return `count` ids of available products from place `start` of the ranking by views of the last 24 hours.

    A view weighs half as much after each TRENDING_HALF_LIFE_HOURS.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TRENDING, [_weights(), timedelta(hours=TRENDING_HOURS), count, start])
        return [row[0] for row in cursor.fetchall()]


def _weights() -> list[int]:
    """Return the weight of a view by the age of its hour: halved after each half-life, but at least 1."""
    half_life = settings.TRENDING_HALF_LIFE_HOURS
    return [max(1, round(_FULL_WEIGHT * 0.5 ** (age / half_life))) for age in range(TRENDING_HOURS)]


def views_by_hour(product_id: int, hours: int) -> list[tuple[datetime, int]]:
    """Return (hour, flushed views of the product) for each of the last `hours` hours, the current one last."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_HOUR, [hours, product_id])
        return cursor.fetchall()


def forget_old_hours() -> int:
    """Delete the rows older than VIEW_HISTORY_DAYS, and return their number.

    Each batch is a transaction of its own, so that a backlog of months does not become one large transaction.
    """
    forgotten, batch = 0, FORGET_BATCH
    with connection.cursor() as cursor:
        while batch == FORGET_BATCH:
            cursor.execute(_FORGET, [timedelta(days=settings.VIEW_HISTORY_DAYS), FORGET_BATCH])
            batch = cursor.rowcount
            forgotten += batch
    return forgotten

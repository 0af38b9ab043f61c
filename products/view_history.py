"""The history of views by the hour: what is trending by it, what it tells of one product, and how long it is kept.

The flush writes it, one row a product and hour, in the transaction that also writes the totals. Hours are whole hours
of UTC, and which one is running the database's clock tells.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

TRENDING_HOURS = 24
# Short enough for the statement timeout, and for a flush that waits for a row.
FORGET_BATCH = 10_000

# Weights are whole numbers, so a sum of views does not depend on the order of its rows: products that were viewed alike
# have the same score on every page. Sums of fractions would differ in their last digit.
_FULL_WEIGHT = 2**20

# Products are looked up in the order of the ranking until the page is full. A join would be planned as a scan of the
# whole catalogue beside the few thousand products that a day has views of.
# An hour in the future, by a clock that is ahead, weighs as much as the running one.
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
# A row that a flush is just writing is left for the next run: nobody waits, so nobody can deadlock.
_FORGET = """
    DELETE FROM products_productviewshour WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM products_productviewshour WHERE hour < statement_timestamp() - %s
        ORDER BY hour LIMIT %s FOR UPDATE SKIP LOCKED))
"""


def trending_ids(start: int, count: int) -> list[int]:
    """Return ids of available products by their views of the last 24 hours, of which old ones weigh less."""
    with connection.cursor() as cursor:
        cursor.execute(_TRENDING, [_weights(), timedelta(hours=TRENDING_HOURS), count, start])
        return [row[0] for row in cursor.fetchall()]


def _weights() -> list[int]:
    """Return what a view weighs by the age of its hour: half as much after each half-life, but never nothing."""
    half_life = settings.TRENDING_HALF_LIFE_HOURS
    return [max(1, round(_FULL_WEIGHT * 0.5 ** (age / half_life))) for age in range(TRENDING_HOURS)]


def views_by_hour(product_id: int, hours: int) -> list[tuple[datetime, int]]:
    """Return each of the last `hours` hours, the running one last, with a product's views in it as far as flushed."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_HOUR, [hours, product_id])
        return cursor.fetchall()


def forget_old_hours() -> int:
    """Delete what is past its retention and return how many rows that were.

    Each batch is a transaction of its own, so months that were left over never become one large one.
    """
    forgotten, batch = 0, FORGET_BATCH
    with connection.cursor() as cursor:
        while batch == FORGET_BATCH:
            cursor.execute(_FORGET, [timedelta(days=settings.VIEW_HISTORY_DAYS), FORGET_BATCH])
            batch = cursor.rowcount
            forgotten += batch
    return forgotten

"""Sums of accepted views by where they are: in PostgreSQL, set aside, or waiting."""

from __future__ import annotations

from django.db import connection

from benchmarks.harness.rows import Row
from caching.counters import bucket_fields, ledger
from products.cache import product_views

_POSTGRES = "SELECT coalesce(sum(views), 0)::bigint FROM products_productviews"
# Views of deleted products, views that overflow a total, and views in the spill.
_ELSEWHERE = """
    SELECT (SELECT coalesce(sum(orphaned), 0) FROM caching_counterbucket WHERE family = %(family)s)::bigint
         + (SELECT coalesce(sum(value::numeric), 0) FROM caching_counterfield
            WHERE family = %(family)s AND reason = 'overflow')::bigint
         + (SELECT coalesce(sum(amount), 0) FROM caching_counterspill WHERE family = %(family)s)::bigint
"""
_LEDGER = """
    SELECT coalesce(sum(total), 0)::bigint FROM generate_series(0, %s) AS shards (shard)
    LEFT JOIN caching_counterbucket AS done ON done.shard = shards.shard AND done.family = %s
    GROUP BY shards.shard ORDER BY shards.shard
"""


def by_shard() -> list[int]:
    """Return the views of each shard in PostgreSQL, by the ledger, which is short and commits with the totals."""
    with connection.cursor() as cursor:
        cursor.execute(_LEDGER, [product_views.shards - 1, product_views.name])
        return [row[0] for row in cursor.fetchall()]


def in_postgres() -> int:
    """Return the sum of all totals."""
    return _one(_POSTGRES)


def everywhere() -> int:
    """Return the sum of all totals, of what was set aside, and of what waits. No flush may run meanwhile."""
    return in_postgres() + _one(_ELSEWHERE, {"family": product_views.name}) + pending()


def pending() -> int:
    """Return the sum of all buckets that are not in the ledger."""
    held: dict[int, list[int]] = {}
    for shard, number in product_views.backlog():
        held.setdefault(shard, []).append(number)
    return sum(_waiting(shard, numbers) for shard, numbers in held.items())


def exactness(name: str, accepted: int, before: int, unknown: int = 0) -> Row:
    """Return the row of lost and doubled views, given the sum before they were accepted.

    Views whose reply was lost are `unknown`: they may have been counted or not.
    """
    wrong = accepted - (everywhere() - before)
    said = f"{accepted:,} accepted" + (f", {unknown} unknown" if unknown else "")
    return Row(f"{name}: views lost or doubled", abs(wrong), "", said, None, "0", -unknown <= wrong <= 0)


def _waiting(shard: int, numbers: list[int]) -> int:
    known = ledger.rows_of(product_views.name, shard, numbers)
    waiting = [number for number in numbers if number not in known]
    sizes = dict(zip(waiting, product_views.sizes(shard, waiting), strict=True))
    return sum(bucket_fields.parse(bucket).total for bucket in product_views.read(shard, sizes))


def _one(sql: str, parameters: dict[str, str] | None = None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found: int = cursor.fetchone()[0]
    return found

"""What products keep in the cache: their entries, their view counts, and when those are invalidated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection, transaction

from caching.counters import family
from caching.counters.family import CounterFamily
from caching.counters.ledger import APPLIED_BUCKETS, parse_applied
from caching.counters.spill import SPILLED
from caching.entries.policy import Policy
from caching.keys import Id
from caching.readthrough.invalidation import invalidate
from caching.readthrough.source import Load, Source, register
from products.rendering import render

# Not settings: views that wait in Redis were counted by these numbers, and another process must find them by them.
# A bucket is shorter than the flush's period of five seconds by what a flush may take, so that PostgreSQL is never
# more than ten seconds old.
product_views = family.register(CounterFamily("product_views", shards=4, bucket_seconds=4))

# Written out, since a loader is what a miss waits for: putting this together by the ORM takes ten times as long as
# PostgreSQL does. The columns are those of `rendering.FIELDS`, and then the total (flushed
# and spilled) and the applied buckets.
_LOAD = f"""
    SELECT product.id, product.title, product.description, product.price, product.currency, category.slug,
           product.image_url, product.seller_id, product.status, product.created_at, product.updated_at,
           coalesce(views.views, 0) + {SPILLED.format(id="product.id")}, {APPLIED_BUCKETS}
    FROM products_product AS product
    JOIN products_category AS category ON category.id = product.category_id
    LEFT JOIN products_productviews AS views ON views.product_id = product.id
    WHERE product.id = ANY(%s) AND product.status <> 'withdrawn'
"""  # noqa: S608


def load_products(ids: Sequence[Id]) -> Load:
    """Load products that are not withdrawn, with their flushed totals, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_LOAD, [product_views.name, product_views.name, [int(id) for id in ids]])
        rows = cursor.fetchall()
    return Load(
        bodies={row[0]: render(row[:-2]) for row in rows},
        totals={row[0]: row[-2] for row in rows},
        applied=parse_applied(rows[0][-1] if rows else None),
    )


products = register(Source(Policy("product", soft_ttl=900, hard_ttl=24 * 3600, negative_ttl=10), load_products))


def invalidate_products(ids: Iterable[int]) -> None:
    """Forget products once the transaction that changed them has committed. Bulk writes call this by hand."""
    invalidate(products, ids)


def forget_products(ids: Iterable[int]) -> None:
    """Forget products that are withdrawn or deleted, and stop counting their views, once that has committed."""
    wanted = list(ids)
    invalidate(products, wanted)
    transaction.on_commit(lambda: product_views.forget(wanted), robust=True)

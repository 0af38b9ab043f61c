"""What products keep in the cache: their entries, their view counts, and when those are invalidated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction

from caching.counters import CounterFamily
from caching.invalidation import invalidate
from caching.keys import Id
from caching.ledger import applied_buckets, parse_applied
from caching.policy import Policy
from caching.source import Load, Source, register
from products.models import Product, ProductStatus
from products.rendering import render

# Not settings: views that wait in Redis were counted by these numbers, and another process must find them by them.
product_views = CounterFamily("product_views", shards=4, bucket_seconds=5)

_COLUMNS = (
    "id",
    "title",
    "description",
    "price",
    "currency",
    "category__slug",
    "image_url",
    "seller_id",
    "status",
    "created_at",
    "updated_at",
)


def load_products(ids: Sequence[Id]) -> Load:
    """Load products that are not withdrawn, with their flushed totals, in one statement."""
    rows = list(
        Product.objects.filter(id__in=ids)
        .exclude(status=ProductStatus.WITHDRAWN)
        .values_list(*_COLUMNS, "views__views", applied_buckets(product_views.name))
    )
    return Load(
        bodies={row[0]: render(row[:-2]) for row in rows},
        totals={row[0]: row[-2] or 0 for row in rows},
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

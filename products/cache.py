"""The cached resources of the catalogue: products with their view counts, and pages of feeds."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection

from caching import Change, Forget, Id, Load, Policy, resource
from caching.counters import APPLIED_BUCKETS, SPILLED, CounterFamily, parse_applied, register
from products.feed_pages import first_page_keys, load_pages
from products.models import Category, Product
from products.rendering import render
from products.warming import first_pages, popular_products

# Not settings: the keys of the buckets in Redis follow from these numbers, and every process must find the same keys.
# A view waits up to four seconds for the end of its bucket, and up to five for the next flush. That leaves one second
# for the flush itself, so that PostgreSQL is never more than ten seconds behind.
product_views = register(CounterFamily("product_views", shards=4, bucket_seconds=4))

# Hand-written SQL: each miss waits for the loader, and the ORM would take longer than PostgreSQL (docs/caching.md).
# The columns are those of `rendering.FIELDS`, then the total (flushed and spilled), then the applied buckets.
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
    """Load products that are not withdrawn, with their totals, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_LOAD, [product_views.name, product_views.name, [int(id) for id in ids]])
        rows = cursor.fetchall()
    return Load(
        bodies={row[0]: render(row[:-2]) for row in rows},
        totals={row[0]: row[-2] for row in rows},
        applied=parse_applied(rows[0][-1] if rows else None),
    )


products = resource(
    Policy("product", soft_ttl=900, hard_ttl=24 * 3600, negative_ttl=10),
    load_products,
    rows=Product,
    # The bodies of products contain the slug of their category.
    forget_on=[Forget(Category, lambda category: category.products.values_list("pk", flat=True), on=Change.UPDATED)],
    family=product_views,
    warm=popular_products,
    warm_name="popular",
)

feed_pages = resource(
    Policy("feed", soft_ttl=settings.FEED_SOFT_TTL, hard_ttl=settings.FEED_HARD_TTL, negative_ttl=5),
    load_pages,
    # The feed of a category or a seller that did not exist may be cached as missing.
    forget_on=[
        Forget(Category, lambda category: first_page_keys(f"category/{category.slug}"), on=Change.SAVED),
        Forget(get_user_model(), lambda user: first_page_keys(f"seller/{user.pk}"), on=Change.CREATED),
    ],
    warm=first_pages,
    warm_name="feeds",
)

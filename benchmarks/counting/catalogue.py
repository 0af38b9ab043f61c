"""A catalogue as large as a marketplace's, made by the database itself in seconds, and its live counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from django.db import connection, transaction

from products.cache import load_products, product_views

T = TypeVar("T")

_CHUNK = 1000
_SELLER = """
    INSERT INTO accounts_user (username, display_name, password, first_name, last_name, email,
                               is_active, is_staff, is_superuser, date_joined)
    VALUES ('counters', 'Counted', '!', '', '', '', true, false, false, now()) RETURNING id
"""
_CATEGORY = "INSERT INTO products_category (slug, name) VALUES ('counted', 'Counted') RETURNING id"
# About as long as a real product; its words repeat, since the search index is none of this benchmark's business.
_PRODUCTS = """
    INSERT INTO products_product (seller_id, category_id, title, description, price, currency, image_url, status,
                                  source, source_id, created_at, updated_at)
    SELECT %s, %s, 'Lamp model ' || n, repeat('In good order, hardly used, with its box. ', 9), 1 + n %% 999, 'EUR', '',
           'available', '', '', now() - n * interval '1 second', now()
    FROM generate_series(1::bigint, %s) AS n
    RETURNING id
"""
_VIEWS = "INSERT INTO products_productviews (product_id, views) SELECT unnest(%s::bigint[]), 0"
_ANALYZE = "ANALYZE products_product, products_productviews, products_productviewshour"


@transaction.atomic
def make_products(count: int) -> list[int]:
    """Make that many products and their rows of counts, and return their ids."""
    with connection.cursor() as cursor:
        # The limit of the settings is meant for requests.
        cursor.execute("SET LOCAL statement_timeout = 0")
        owners = [cursor.execute(statement).fetchone()[0] for statement in (_SELLER, _CATEGORY)]
        cursor.execute(_PRODUCTS, [*owners, count])
        ids = sorted(row[0] for row in cursor.fetchall())
        cursor.execute(_VIEWS, [ids])
        cursor.execute(_ANALYZE)
    return ids


def warm(ids: Sequence[int]) -> None:
    """Make all live counts known, as `warm_cache` does."""
    for chunk in chunks(ids):
        load = load_products(chunk)
        product_views.seed(load.totals, load.applied)


def chunks(items: Sequence[T], size: int = _CHUNK) -> Iterator[Sequence[T]]:
    """Yield ids, or whatever else, in parts."""
    for start in range(0, len(items), size):
        yield items[start : start + size]

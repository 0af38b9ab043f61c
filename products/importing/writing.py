"""Writes a batch of items in one transaction: new ones are inserted, changed ones updated, others left alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from caching import invalidate
from products.cache import products
from products.importing.item import Item
from products.importing.lookups import Categories, Sellers

# The inner NOT EXISTS keeps unchanged rows out of the insert: ON CONFLICT would lock each of them and use up an
# id. Status, seller and creation are not updated: an import never puts a sold or withdrawn product back on sale, and
# never changes its seller.
_UPSERT = """
    INSERT INTO products_product AS p (
        seller_id, category_id, title, description, price, currency, image_url,
        status, source, source_id, created_at, updated_at
    )
    SELECT i.seller_id, i.category_id, i.title, i.description, i.price, i.currency, i.image_url,
           'available', %(source)s, i.source_id, i.created_at, i.created_at
    FROM unnest(
        %(sellers)s::bigint[], %(categories)s::bigint[], %(titles)s::text[], %(descriptions)s::text[],
        %(prices)s::numeric[], %(currencies)s::text[], %(image_urls)s::text[], %(source_ids)s::text[],
        %(created)s::timestamptz[]
    ) WITH ORDINALITY AS i (
        seller_id, category_id, title, description, price, currency, image_url, source_id, created_at, place
    )
    WHERE NOT EXISTS (
        SELECT 1 FROM products_product q
        WHERE q.source = %(source)s AND q.source_id = i.source_id
          AND (q.category_id, q.title, q.description, q.price, q.currency, q.image_url)
            = (i.category_id, i.title, i.description, i.price, i.currency, i.image_url)
    )
    ORDER BY i.place
    ON CONFLICT (source, source_id) WHERE source <> '' DO UPDATE SET
        category_id = excluded.category_id, title = excluded.title, description = excluded.description,
        price = excluded.price, currency = excluded.currency, image_url = excluded.image_url,
        updated_at = clock_timestamp()
    WHERE (p.category_id, p.title, p.description, p.price, p.currency, p.image_url)
        IS DISTINCT FROM (excluded.category_id, excluded.title, excluded.description,
                          excluded.price, excluded.currency, excluded.image_url)
    RETURNING p.id, p.xmax = 0
"""
_COUNTERS = """
    INSERT INTO products_productviews (product_id, views)
    SELECT id, 0 FROM unnest(%s::bigint[]) AS id ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome of a batch, in numbers of products."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0


class Writer:
    """Writes the batches of one run. `started` gives the new products their order, newest last in the file."""

    def __init__(self, source: str, sellers: Sellers, started: datetime, *, dry_run: bool = False) -> None:
        self._source = source
        self._sellers = sellers
        self._categories = Categories()
        self._started = started
        self._dry_run = dry_run
        self._place = 0

    def write(self, items: Sequence[Item]) -> Written:
        """Write all items, or none if anything fails; a dry run does the same and rolls it back."""
        if not items:
            return Written()
        with transaction.atomic():
            touched = self._upsert(items)
            created = [product_id for product_id, is_new in touched if is_new]
            with connection.cursor() as cursor:
                cursor.execute(_COUNTERS, [created])
            invalidate(products, [product_id for product_id, _ in touched])
            if self._dry_run:
                transaction.set_rollback(True)
        if self._dry_run:
            self._categories.forget()
            self._sellers.forget()
        return Written(len(created), len(touched) - len(created), len(items) - len(touched))

    def _upsert(self, items: Sequence[Item]) -> list[tuple[int, bool]]:
        parameters: dict[str, Any] = {
            "source": self._source,
            "sellers": [self._sellers.id_of(item.shop) for item in items],
            "categories": [self._categories.id_of(item.category) for item in items],
            "titles": [item.title for item in items],
            "descriptions": [item.description for item in items],
            "prices": [item.price for item in items],
            "currencies": [item.currency for item in items],
            "image_urls": [item.image_url for item in items],
            "source_ids": [item.source_id for item in items],
            "created": [self._next_moment() for _ in items],
        }
        with connection.cursor() as cursor:
            cursor.execute(_UPSERT, parameters)
            return list(cursor.fetchall())

    def _next_moment(self) -> datetime:
        # A microsecond apart, so that "newest first" has one order and pages do not shift.
        self._place += 1
        return self._started + timedelta(microseconds=self._place)

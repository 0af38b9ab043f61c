"""Writes the demo catalogue. The caller opens the transaction, so that it is there whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import connection

from caching import invalidate
from caching.jobs import lock_key
from products import cache
from products.demo import people
from products.demo.catalogue import SOURCE, DemoProduct, generate
from products.demo.vocabulary import SHELVES
from products.importing.slugs import slug_of
from products.models import Category, Product, ProductViews, ProductViewsHour

BATCH = 1000
CURRENCY = "EUR"


@dataclass(frozen=True, slots=True)
class Demo:
    """What was seeded, for code that adds to it."""

    products: list[Product]
    sellers: list[Any]
    buyers: list[Any]


def seeded_products() -> int:
    """Return how many demo products there are: none, or a whole catalogue."""
    return Product.objects.filter(source=SOURCE).count()


def hold_lock() -> None:
    """Wait until no other transaction is seeding, and keep others waiting until this one ends.

    Not `exclusive`, which does not wait: a second seeding should find the products of the first.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock_key("seed_demo")])


def seed(count: int, now: datetime, *, with_logins: bool, on_progress: Callable[[int], None]) -> Demo:
    """Make the users, categories and `count` products with their view counts."""
    people.ensure(people.ADMIN, with_login=with_logins)
    sellers = [people.ensure(who, with_login=with_logins) for who in (people.SELLER, *people.MORE_SELLERS)]
    buyers = [people.ensure(who, with_login=with_logins) for who in (people.BUYER, *people.MORE_BUYERS)]
    categories = {shelf.name: _category(shelf.name) for shelf in SHELVES}
    made: list[Product] = []
    for batch in _batches(generate(count, len(sellers), now)):
        rows = [_product(demo, sellers[demo.seller], categories[demo.category]) for demo in batch]
        Product.objects.bulk_create(rows)
        _write_views(rows, batch, now)
        made += rows
        on_progress(len(made))
    invalidate(cache.products, [product.pk for product in made])
    return Demo(made, sellers, buyers)


def _category(name: str) -> Category:
    return Category.objects.get_or_create(slug=slug_of(name), defaults={"name": name})[0]


def _product(demo: DemoProduct, seller: Any, category: Category) -> Product:
    return Product(
        seller=seller,
        category=category,
        title=demo.title,
        description=demo.description,
        price=demo.price,
        currency=CURRENCY,
        image_url=demo.image_url,
        source=SOURCE,
        source_id=demo.source_id,
        created_at=demo.created_at,
        updated_at=demo.created_at,
    )


def _write_views(rows: list[Product], batch: list[DemoProduct], now: datetime) -> None:
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    ProductViews.objects.bulk_create(
        ProductViews(product=row, views=demo.views) for row, demo in zip(rows, batch, strict=True)
    )
    ProductViewsHour.objects.bulk_create(
        ProductViewsHour(hour=this_hour - timedelta(hours=ago), product=row, views=views)
        for row, demo in zip(rows, batch, strict=True)
        for ago, views in demo.recent_views.items()
    )


def _batches(products: Iterator[DemoProduct]) -> Iterator[list[DemoProduct]]:
    while batch := list(islice(products, BATCH)):
        yield batch

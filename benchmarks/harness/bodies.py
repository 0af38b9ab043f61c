"""Products as the cache gets them, made up or from catalogue files: the values of their columns, in feed order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction

from benchmarks.harness.catalogue import make_catalogue
from products.importing import mappings
from products.importing.cleaning import Cleaner
from products.importing.errors import BadRow, SkippedRow
from products.importing.formats import Table
from products.importing.item import Item
from products.importing.slugs import slug_of
from products.importing.source import SourceFile
from products.models import Product
from products.rendering import FIELDS, join, render

PAGE = 20
# The values of a product's FIELDS.
Values = tuple[Any, ...]

_START = datetime(2026, 1, 1, tzinfo=UTC)


def made_up(count: int) -> list[Values]:
    """Return the products of the catalogue that other benchmarks use, and leave the database empty."""
    columns = ["category__slug" if field == "category" else field for field in FIELDS]
    with transaction.atomic():
        make_catalogue(count, users=6)
        made = list(Product.objects.order_by("-created_at", "-id").values_list(*columns))
        transaction.set_rollback(True)
    return made


def from_file(path: Path) -> list[Values]:
    """Return the products that an import of a CSV or JSON file would make. Raises CatalogueError."""
    shops: dict[str, int] = {}
    return [
        _values(number, item, shops.setdefault(item.shop, len(shops) + 1))
        for number, item in enumerate(_items(path), start=1)
    ]


def body(values: Values) -> bytes:
    """Return the body of a product's entry."""
    return render(values)


def page(products: Sequence[Values]) -> bytes:
    """Return the JSON of a feed page, with view counts."""
    bodies = {values[0]: render(values) for values in products}
    counts = {id: id * 2_654_435_761 % 1000 for id in bodies}
    return b'{"next":"http://localhost/feeds/discover/?page=3","previous":null,"results":%b}' % join(bodies, counts)


def _items(path: Path) -> Iterator[Item]:
    with SourceFile(path) as source:
        table = Table(source)
        mapping = mappings.detect(table.columns)
        cleaner = Cleaner(mapping, currency=mapping.currency or "EUR")
        for row in table:
            try:
                yield cleaner.item(row)
            except (BadRow, SkippedRow):
                continue


def _values(number: int, item: Item, seller: int) -> Values:
    created = _START + timedelta(seconds=number // 1000, microseconds=number)
    return (
        number,
        item.title,
        item.description,
        item.price,
        item.currency,
        slug_of(item.category),
        item.image_url,
        seller,
        "available",
        created,
        # A new object, as from the database: pickle writes an object that occurs twice only once.
        created + timedelta(0),
    )

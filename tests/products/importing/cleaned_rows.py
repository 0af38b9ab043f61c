"""A mapping with every column, a good row of it, and what the cleaner makes of such a row."""

from __future__ import annotations

from typing import Any

import pytest

from products.importing.cleaning import Cleaner
from products.importing.errors import BadRow
from products.importing.item import Item
from products.importing.mapping import Mapping
from products.importing.rows import Row

FULL = Mapping(
    source="shop",
    columns={name: name for name in ("title", "description", "price", "currency", "category", "image_url", "shop")},
    id_columns=("shop", "sku"),
    availability_column="gone",
    unavailable=frozenset({"1", "true"}),
)
GOOD = {"title": "Lamp", "price": "5", "shop": "billa", "sku": "7"}


def item(values: dict[str, Any], mapping: Mapping = FULL, **options: Any) -> Item:
    return Cleaner(mapping, currency="EUR", **options).item(Row(2, values))


def reason(values: dict[str, Any], **options: Any) -> str:
    with pytest.raises(BadRow) as caught:
        item({**GOOD, **values}, **options)
    return caught.value.reason

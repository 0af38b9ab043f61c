"""A product that an import has cleaned and checked, before it is in the database."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

TITLE_LIMIT = 200
DESCRIPTION_LIMIT = 10_000
IMAGE_URL_LIMIT = 500
SOURCE_ID_LIMIT = 160


@dataclass(frozen=True, slots=True)
class Item:
    """One row that can become a product. `notes` say what had to be changed to make it fit."""

    line: int
    source_id: str
    title: str
    description: str
    price: Decimal
    currency: str
    category: str
    image_url: str
    shop: str
    notes: tuple[str, ...] = ()

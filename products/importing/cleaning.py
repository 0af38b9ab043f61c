"""Turns a row of a file into an item, or rejects it with a reason; all rules for single values are here."""

from __future__ import annotations

import hashlib
import re
from typing import Any
from urllib.parse import quote

from products.importing import text
from products.importing.errors import BadRow, SkippedRow
from products.importing.item import DESCRIPTION_LIMIT, IMAGE_URL_LIMIT, SOURCE_ID_LIMIT, TITLE_LIMIT, Item
from products.importing.mapping import Mapping
from products.importing.prices import price_of
from products.importing.rows import Row
from products.money import CURRENCIES

MALFORMED = "row is malformed"
TITLE_EMPTY = "title is empty"
CURRENCY_UNKNOWN = "currency is not supported"
ID_MISSING = "source id is missing"
ID_TOO_LONG = "source id is too long"
SHOP_MISSING = "shop is missing"
UNAVAILABLE = "not available at its source"

TITLE_CUT = "title was cut"
DESCRIPTION_CUT = "description was cut"
IMAGE_DROPPED = "image_url was dropped"
PRICE_ROUNDED = "price was rounded to cents"

_IMAGE_URL = re.compile(r"https?://[^\s/?#\"<>\\]+\.[^\s\"<>\\]+")


class Cleaner:
    """Applies one mapping. `currency` is for rows that name none; `lenient` replaces broken bytes."""

    def __init__(
        self, mapping: Mapping, *, currency: str, lenient: bool = False, unavailable_too: bool = False
    ) -> None:
        self._mapping = mapping
        self._currency = currency
        self._lenient = lenient
        self._unavailable_too = unavailable_too

    def item(self, row: Row) -> Item:
        """Return the item of a row. Raises BadRow, or SkippedRow when the source says that it is gone."""
        if row.problem:
            raise BadRow(MALFORMED, row.problem)
        values = row.values
        title = text.one_line(self._text(values, "title"))
        if not title:
            raise BadRow(TITLE_EMPTY)
        description = text.paragraphs(self._text(values, "description"))
        image_url, dropped = self._image_url(values)
        currency = self._row_currency(values)
        price, rounded = price_of(values.get(self._mapping.columns["price"]), currency)
        notes = (
            TITLE_CUT if len(title) > TITLE_LIMIT else "",
            DESCRIPTION_CUT if len(description) > DESCRIPTION_LIMIT else "",
            IMAGE_DROPPED if dropped else "",
            PRICE_ROUNDED if rounded else "",
        )
        item = Item(
            line=row.line,
            title=text.cut(title, TITLE_LIMIT),
            description=text.cut(description, DESCRIPTION_LIMIT),
            price=price,
            currency=currency,
            shop=self._shop(values),
            source_id=self._source_id(values),
            category=self._category(values),
            image_url=image_url,
            notes=tuple(filter(None, notes)),
        )
        # Last, so that a broken row is counted as broken whether or not it is for sale.
        self._check_available(values)
        return item

    def _text(self, values: dict[str, Any], name: str) -> str:
        column = self._mapping.columns.get(name)
        return text.plain(values.get(column), column, lenient=self._lenient) if column else ""

    def _row_currency(self, values: dict[str, Any]) -> str:
        currency = text.one_line(self._text(values, "currency")).upper() or self._currency
        if currency not in CURRENCIES:
            raise BadRow(CURRENCY_UNKNOWN, currency[:10])
        return currency

    def _source_id(self, values: dict[str, Any]) -> str:
        columns = self._mapping.id_columns or self._mapping.hash_columns
        parts = [text.plain(values.get(column), column, lenient=self._lenient).strip() for column in columns]
        if self._mapping.hash_columns:
            if not any(parts):
                raise BadRow(ID_MISSING)
            return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
        if not all(parts):
            raise BadRow(ID_MISSING)
        # Percent-encoding keeps "a:b" + "c" and "a" + "b:c" two ids, and the id free of control characters.
        joined = ":".join(quote(part, safe=" /-_.+") for part in parts)
        if len(joined) > SOURCE_ID_LIMIT:
            raise BadRow(ID_TOO_LONG, f"{len(joined)} characters")
        return joined

    def _category(self, values: dict[str, Any]) -> str:
        column = self._mapping.columns.get("category", "")
        value = values.get(column)
        if isinstance(value, list):
            value = value[0 if self._mapping.category_pick == "first" else -1] if value else None
        name = text.one_line(text.plain(value, column, lenient=self._lenient))
        return text.cut(name or self._mapping.category_default, 120)

    def _image_url(self, values: dict[str, Any]) -> tuple[str, bool]:
        url = text.one_line(self._text(values, "image_url"))
        good = len(url) <= IMAGE_URL_LIMIT and _IMAGE_URL.fullmatch(url)
        return (url, False) if good else ("", bool(url))

    def _shop(self, values: dict[str, Any]) -> str:
        if "shop" not in self._mapping.columns:
            return ""
        shop = text.one_line(self._text(values, "shop"))
        if not shop:
            raise BadRow(SHOP_MISSING)
        return shop[:80]

    def _check_available(self, values: dict[str, Any]) -> None:
        column = self._mapping.availability_column
        if not column or self._unavailable_too:
            return
        value = values.get(column)
        said = str(value).lower() if isinstance(value, bool) else text.plain(value, column, lenient=True)
        if said.strip().casefold() in self._mapping.unavailable:
            raise SkippedRow(UNAVAILABLE)

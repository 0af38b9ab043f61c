"""A price as a catalogue writes it, to the cents of a product."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from products.importing.errors import BadRow

MISSING = "price is missing"
ZERO = "price is 0: unknown price"
NEGATIVE = "price is negative"
UNREADABLE = "price is not a number"
TOO_LARGE = "price is too large"
TOO_SMALL = "price is less than half a cent"

_CENT = Decimal("0.01")
_LIMIT = Decimal("9999999999.99")
# Stricter than Decimal(), which takes 1_000, NaN and digits of any script. No thousands' separators either:
# 1,234 is a thousand in one country and one in the next.
_NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{0,40})?([eE][+-]?\d{1,3})?", re.ASCII)


def price_of(value: Any) -> Decimal:
    """Return the price, rounded half up to cents. Raises BadRow with the reason why there is none."""
    text = "" if value is None else str(value).strip()
    if not text:
        raise BadRow(MISSING)
    if isinstance(value, bool) or not _NUMBER.fullmatch(text):
        raise BadRow(UNREADABLE, repr(text[:40]))
    price = Decimal(text)
    if price == 0:
        raise BadRow(ZERO)
    if price < 0:
        raise BadRow(NEGATIVE, text[:40])
    return _in_cents(price, text)


def _in_cents(price: Decimal, text: str) -> Decimal:
    if price > _LIMIT:
        raise BadRow(TOO_LARGE, text[:40])
    cents = price.quantize(_CENT, ROUND_HALF_UP)
    if cents > _LIMIT:
        raise BadRow(TOO_LARGE, text[:40])
    if cents == 0:
        raise BadRow(TOO_SMALL, text[:40])
    return cents

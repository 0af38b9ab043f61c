"""A price as a catalogue writes it, to the minor units of its currency."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from products.importing.errors import BadRow
from products.money import MoneyError, NotInMinorUnits, greatest, least, quantised

MISSING = "price is missing"
ZERO = "price is 0: unknown price"
NEGATIVE = "price is negative"
UNREADABLE = "price is not a number"
TOO_LARGE = "price is too large"
TOO_SMALL = "price is less than half a cent"
NOT_IN_UNITS = "price has digits that its currency lacks"

_CENT = Decimal("0.01")
# Stricter than Decimal(), which takes 1_000, NaN and digits of any script. No thousands' separators either: 1,234 is
# more than a thousand in some countries and less than two in others.
_NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{0,40})?([eE][+-]?\d{1,3})?", re.ASCII)


def price_of(value: Any, currency: str) -> tuple[Decimal, bool]:
    """Return the price, rounded half up to cents, and whether that changed it.

    A price in a currency without cents is never rounded. Raises BadRow with the reason why there is none.
    """
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
    exact = _in_units(price, currency, text)
    return exact, exact != price


def _in_units(price: Decimal, currency: str, text: str) -> Decimal:
    if price > greatest(currency):
        raise BadRow(TOO_LARGE, text[:40])
    # Fractions of a cent come from a catalogue's own arithmetic. A fraction of a yen suggests another currency.
    rounded = price.quantize(_CENT, ROUND_HALF_UP) if least(currency) == _CENT else price
    if rounded == 0:
        raise BadRow(TOO_SMALL, text[:40])
    try:
        return quantised(rounded, currency)
    except NotInMinorUnits as error:
        raise BadRow(NOT_IN_UNITS, f"{text[:40]}: {error}") from error
    except MoneyError as error:
        raise BadRow(TOO_LARGE, text[:40]) from error

"""An amount of money in a request."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from products.money import DECIMAL_PLACES, MAX_DIGITS

# Stricter than Decimal(), which takes 1e3, 1_000 and digits of any script.
_PLAIN = re.compile(r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)\s*")


class MoneyField(serializers.DecimalField):
    """A decimal string or number that the columns can hold, as an exact Decimal.

    `products.money.quantised` checks it against the currency, once that is known. A JSON number with a fraction arrives
    as a float, and means the shortest decimal that reads as this float.
    """

    default_error_messages = {"invalid": 'A valid number is required: plain digits, such as "12.50".'}

    def __init__(self, **kwargs: Any) -> None:
        limits = {"max_digits": MAX_DIGITS, "decimal_places": DECIMAL_PLACES, "min_value": Decimal("0.01")}
        super().__init__(**{**limits, **kwargs})

    def to_internal_value(self, data: Any) -> Decimal:
        """Return the amount. Anything but plain digits is refused before Decimal() parses it."""
        if not _PLAIN.fullmatch(str(data)):
            self.fail("invalid")
        return super().to_internal_value(data)

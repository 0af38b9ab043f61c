"""Money: the decimal places of each currency, and exact amounts. No floats, no rounding."""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation

from django.db.models import Q
from django.db.models.functions import Round

# Decimal places of the minor unit (ISO 4217). Three, as in KWD, do not fit the columns: numeric(12,2).
MINOR_DIGITS = {"EUR": 2, "USD": 2, "GBP": 2, "CHF": 2, "JPY": 0}
CURRENCIES = tuple(MINOR_DIGITS)

MAX_DIGITS = 12
DECIMAL_PLACES = 2

_UNITS = {currency: Decimal(1).scaleb(-digits) for currency, digits in MINOR_DIGITS.items()}
_LIMIT = Decimal(1).scaleb(MAX_DIGITS - DECIMAL_PLACES)
_GREATEST = {currency: _LIMIT - unit for currency, unit in _UNITS.items()}
_EXACT = Context(traps=[Inexact, InvalidOperation])


class MoneyError(ValueError):
    """An amount that its currency cannot express. The message is for people, `code` for programs."""

    code = "invalid"


class NotANumber(MoneyError):
    """NaN or an infinity."""

    code = "not_a_number"

    def __init__(self) -> None:
        super().__init__("An amount must be a finite number.")


class TooSmall(MoneyError):
    """Less than one minor unit: zero or negative."""

    code = "too_small"

    def __init__(self, currency: str) -> None:
        super().__init__(f"The least amount is {least(currency)} {currency}.")


class TooLarge(MoneyError):
    """More than the columns hold."""

    code = "too_large"

    def __init__(self, currency: str) -> None:
        super().__init__(f"The greatest amount is {greatest(currency)} {currency}.")


class NotInMinorUnits(MoneyError):
    """More decimal places than the currency has."""

    code = "not_in_minor_units"

    def __init__(self, currency: str) -> None:
        digits = MINOR_DIGITS[currency]
        fine, coarse = f"{currency} has at most {digits} decimal places.", f"{currency} has no smaller unit than 1."
        super().__init__(fine if digits else coarse)


def least(currency: str) -> Decimal:
    """Return one minor unit."""
    return _UNITS[currency]


def greatest(currency: str) -> Decimal:
    """Return the largest amount that the columns hold in this currency."""
    return _GREATEST[currency]


def quantised(amount: Decimal, currency: str) -> Decimal:
    """Return the amount with exactly the decimal places of one of CURRENCIES, equal in value: 10.5 EUR is 10.50.

    Raises NotANumber, TooSmall, TooLarge or NotInMinorUnits, all of them MoneyError.
    """
    if not amount.is_finite():
        raise NotANumber
    if amount <= 0:
        raise TooSmall(currency)
    if amount > greatest(currency):
        raise TooLarge(currency)
    return _in_minor_units(amount, currency)


def text(amount: Decimal, currency: str) -> str:
    """Return a stored amount as JSON has it: `12.50`, `1200`. Raises NotInMinorUnits instead of rounding."""
    # `str` writes no exponent, since a quantised amount has none to two decimal places.
    return str(_in_minor_units(amount, currency))


def minor_unit_condition(field: str) -> Q:
    """Return the condition of a check constraint: `field` has no more decimal places than the row's `currency`."""
    condition = Q()
    for currency, digits in MINOR_DIGITS.items():
        # The column itself limits the other currencies.
        if digits < DECIMAL_PLACES:
            condition &= ~Q(currency=currency) | Q(**{field: Round(field, digits)})
    return condition


def _in_minor_units(amount: Decimal, currency: str) -> Decimal:
    try:
        return amount.quantize(_UNITS[currency], context=_EXACT)
    except Inexact as error:
        raise NotInMinorUnits(currency) from error

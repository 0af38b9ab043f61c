"""The price of a row: in the units of its currency, rounded or rejected with its reason."""

from __future__ import annotations

from decimal import Decimal

import pytest

from products.importing import cleaning, prices
from tests.products.importing.cleaned_rows import GOOD, item, reason


@pytest.mark.parametrize(
    ("written", "price"),
    [
        ("5", "5.00"),
        (" 3.6465 ", "3.65"),
        (Decimal("19.99"), "19.99"),
        ("0.005", "0.01"),
        ("1e3", "1000.00"),
        ("9999999999.99", "9999999999.99"),
    ],
)
def test_prices_are_rounded_half_up_to_cents(written: object, price: str) -> None:
    assert prices.price_of(written, "EUR")[0] == Decimal(price)


@pytest.mark.parametrize(
    ("written", "noted"),
    [("3.6465", True), ("3.654", True), ("3.65", False), ("3.650", False), ("3", False), ("3e2", False)],
)
def test_a_price_that_was_rounded_is_noted(written: str, noted: bool) -> None:
    assert (cleaning.PRICE_ROUNDED in item({**GOOD, "price": written}).notes) is noted


@pytest.mark.parametrize(("written", "price"), [("1200", "1200"), ("1200.00", "1200"), (Decimal("1.2E+3"), "1200")])
def test_a_price_in_yen_is_a_whole_number(written: object, price: str) -> None:
    assert str(item({**GOOD, "price": written, "currency": "JPY"}).price) == price


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("1200.50", prices.NOT_IN_UNITS),
        ("1200.004", prices.NOT_IN_UNITS),
        ("0.004", prices.NOT_IN_UNITS),
        ("9999999999.99", prices.TOO_LARGE),
    ],
)
def test_a_price_that_its_currency_does_not_have_is_rejected_not_rounded(written: str, why: str) -> None:
    assert reason({"price": written, "currency": "JPY"}) == why


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("0", prices.ZERO),
        ("0.00", prices.ZERO),
        (Decimal(0), prices.ZERO),
        ("", prices.MISSING),
        (None, prices.MISSING),
        ("-1", prices.NEGATIVE),
        ("1,99", prices.UNREADABLE),
        ("1_000", prices.UNREADABLE),
        ("NaN", prices.UNREADABLE),
        ("Infinity", prices.UNREADABLE),
        ("٣", prices.UNREADABLE),
        (True, prices.UNREADABLE),
        ([5], prices.UNREADABLE),
        ("10000000000", prices.TOO_LARGE),
        ("9999999999.995", prices.TOO_LARGE),
        ("1e400", prices.TOO_LARGE),
        ("0.004", prices.TOO_SMALL),
    ],
)
def test_a_price_that_is_none_is_rejected_with_its_reason(written: object, why: str) -> None:
    assert reason({"price": written}) == why

"""Amounts of money: as many digits as their currency has, never rounded, within what the columns hold."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from products.models import Product
from products.money import (
    CURRENCIES,
    MINOR_DIGITS,
    MoneyError,
    NotANumber,
    NotInMinorUnits,
    TooLarge,
    TooSmall,
    greatest,
    least,
    quantised,
    text,
)
from products.rendering import FIELDS, render
from tests.factories import ProductFactory

currencies = st.sampled_from(CURRENCIES)
amounts = st.decimals(allow_nan=True, allow_infinity=True) | st.decimals(Decimal("0.01"), 10**10, places=2)


@pytest.mark.parametrize(
    ("amount", "currency", "exact"),
    [
        ("10.5", "EUR", "10.50"),
        ("10", "CHF", "10.00"),
        ("1E+3", "USD", "1000.00"),
        ("0.010000", "GBP", "0.01"),
        ("1." + "0" * 100, "EUR", "1.00"),
        ("9999999999.99", "EUR", "9999999999.99"),
        ("1200.00", "JPY", "1200"),
        ("1.2E+3", "JPY", "1200"),
        ("9999999999", "JPY", "9999999999"),
    ],
)
def test_an_amount_gets_the_digits_of_its_currency(amount: str, currency: str, exact: str) -> None:
    assert str(quantised(Decimal(amount), currency)) == exact
    assert text(Decimal(amount), currency) == exact


@pytest.mark.parametrize(
    ("amount", "currency", "error", "message"),
    [
        ("10.505", "EUR", NotInMinorUnits, "EUR has at most 2 decimal places."),
        ("0.001", "EUR", NotInMinorUnits, "EUR has at most 2 decimal places."),
        ("1200.50", "JPY", NotInMinorUnits, "JPY has no smaller unit than 1."),
        ("1E-1000000", "JPY", NotInMinorUnits, "JPY has no smaller unit than 1."),
        ("0", "EUR", TooSmall, "The least amount is 0.01 EUR."),
        ("-0.00", "EUR", TooSmall, "The least amount is 0.01 EUR."),
        ("-1E+40", "JPY", TooSmall, "The least amount is 1 JPY."),
        ("10000000000", "EUR", TooLarge, "The greatest amount is 9999999999.99 EUR."),
        ("9999999999.991", "EUR", TooLarge, "The greatest amount is 9999999999.99 EUR."),
        ("9999999999.99", "JPY", TooLarge, "The greatest amount is 9999999999 JPY."),
        ("1E+1000000", "USD", TooLarge, "The greatest amount is 9999999999.99 USD."),
        ("NaN", "EUR", NotANumber, "An amount must be a finite number."),
        ("sNaN", "EUR", NotANumber, "An amount must be a finite number."),
        ("Infinity", "EUR", NotANumber, "An amount must be a finite number."),
        ("-Infinity", "JPY", NotANumber, "An amount must be a finite number."),
    ],
)
def test_an_amount_that_its_currency_does_not_have_is_refused_with_the_reason(
    amount: str, currency: str, error: type[MoneyError], message: str
) -> None:
    with pytest.raises(MoneyError) as caught:
        quantised(Decimal(amount), currency)

    assert type(caught.value) is error
    assert str(caught.value) == message


def test_every_reason_has_a_code_of_its_own() -> None:
    codes = {error.code for error in (NotANumber, TooSmall, TooLarge, NotInMinorUnits)}

    assert codes == {"not_a_number", "too_small", "too_large", "not_in_minor_units"}


@given(amounts, currencies)
def test_the_value_never_changes_and_the_digits_are_those_of_the_currency(amount: Decimal, currency: str) -> None:
    # Given any decimal at all
    try:
        # When
        exact = quantised(amount, currency)
    except MoneyError:
        return

    # Then
    assert exact == amount
    assert exact.as_tuple().exponent == -MINOR_DIGITS[currency]
    assert least(currency) <= exact <= greatest(currency)
    assert quantised(exact, currency).compare_total(exact) == 0


@given(amounts.filter(Decimal.is_finite), currencies)
def test_what_is_refused_has_a_digit_too_many_or_is_out_of_bounds(amount: Decimal, currency: str) -> None:
    whole_units = amount % least(currency) == 0 if abs(amount) < 10**20 else True
    good = whole_units and least(currency) <= amount <= greatest(currency)

    try:
        quantised(amount, currency)
    except MoneyError:
        assert not good
    else:
        assert good


@given(st.integers(1, 10**12 - 1), currencies)
def test_text_is_plain_digits_that_read_as_the_same_amount(units: int, currency: str) -> None:
    amount = Decimal(units).scaleb(-2) if MINOR_DIGITS[currency] else Decimal(units)

    written = text(amount, currency)

    assert Decimal(written) == amount
    assert written.replace(".", "", 1).isdigit()
    assert len(written.partition(".")[2]) == MINOR_DIGITS[currency]


def test_a_stored_amount_is_not_rounded_to_be_shown() -> None:
    with pytest.raises(NotInMinorUnits):
        text(Decimal("1200.50"), "JPY")


def test_the_precision_that_a_thread_computes_with_does_not_matter() -> None:
    with localcontext(prec=3):
        assert str(quantised(Decimal("1234567890.12"), "EUR")) == "1234567890.12"
        assert text(Decimal("1234567890.00"), "JPY") == "1234567890"


@pytest.mark.parametrize(("stored", "currency", "shown"), [("12.50", "EUR", "12.50"), ("1200.00", "JPY", "1200")])
def test_a_body_shows_a_price_in_the_digits_of_its_currency(stored: str, currency: str, shown: str) -> None:
    values = {**dict.fromkeys(FIELDS), "price": Decimal(stored), "currency": currency}

    assert f'"price":"{shown}","currency":"{currency}"'.encode() in render(values.values())


@pytest.mark.django_db
def test_the_database_refuses_half_a_yen_and_nothing_else() -> None:
    # Given
    products = Product.objects.filter(pk=ProductFactory(price=Decimal("12.50"), currency="EUR").pk)

    # When a write without validation gives it another currency, or cents
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        products.update(currency="JPY")
    products.update(currency="JPY", price=Decimal("1200.00"))
    with pytest.raises(IntegrityError), transaction.atomic():
        products.update(price=Decimal("1200.01"))

    # Then
    assert caught.value.__cause__.diag.constraint_name == "product_price_minor_unit"
    assert products.get().price == 1200


def test_a_default_currency_that_there_is_not_stops_the_start(settings) -> None:
    settings.DEFAULT_CURRENCY = "XYZ"
    with pytest.raises(ImproperlyConfigured, match="EUR, USD, GBP, CHF, JPY"):
        apps.get_app_config("products").ready()

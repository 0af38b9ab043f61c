"""The amount of an offer: read exactly from JSON, and shown with the decimal places of its currency."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offers.api.serializers import NewOfferSerializer, OfferSerializer
from tests.factories import OfferFactory, ProductFactory

NOT_PLAIN = 'A valid number is required: plain digits, such as "12.50".'


def read(amount: Any) -> NewOfferSerializer:
    """Return the serializer of a request, with the amount as JSON gives it."""
    asked = json.loads(json.dumps({"product_id": 1, "amount": amount}))
    serializer = NewOfferSerializer(data=asked)
    serializer.is_valid()
    return serializer


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("10.5", "10.50"),
        (" 10.50 ", "10.50"),
        ("010", "10.00"),
        (10, "10.00"),
        (10.1, "10.10"),
        (1e3, "1000.00"),
        (9999999999.99, "9999999999.99"),
        ("9999999999.99", "9999999999.99"),
        ("0.01", "0.01"),
    ],
)
def test_an_amount_is_read_as_what_was_written(written: Any, amount: str) -> None:
    found = read(written).validated_data["amount"]

    assert type(found) is Decimal
    assert str(found) == amount


@pytest.mark.parametrize("written", ["1e3", "1E+3", 1e22, "1_000", "1,50", "٣", "0x10", "ten", "", "-", ".", "1.2.3"])
def test_only_plain_digits_are_an_amount(written: Any) -> None:
    assert read(written).errors == {"amount": [NOT_PLAIN]}


@pytest.mark.parametrize("written", [True, False, [], ["1"], {"amount": 1}, "NaN", "sNaN", "Infinity", "-Infinity"])
def test_values_that_are_no_finite_number_are_refused(written: Any) -> None:
    assert read(written).errors == {"amount": [NOT_PLAIN]}


@pytest.mark.parametrize("written", [float("nan"), float("inf"), 1e400])
def test_numbers_that_json_does_not_have_are_refused(written: float) -> None:
    serializer = NewOfferSerializer(data={"product_id": 1, "amount": written})

    assert not serializer.is_valid()
    assert serializer.errors == {"amount": [NOT_PLAIN]}


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("0", "Ensure this value is greater than or equal to 0.01."),
        (-5, "Ensure this value is greater than or equal to 0.01."),
        ("1.001", "Ensure that there are no more than 2 decimal places."),
        (0.1 + 0.2, "Ensure that there are no more than 12 digits in total."),
        ("12345678901", "Ensure that there are no more than 10 digits before the decimal point."),
        (10**30, "Ensure that there are no more than 12 digits in total."),
        ("9" * 2000, "String value too large."),
        (None, "This field may not be null."),
    ],
)
def test_more_than_the_column_holds_is_refused_with_the_reason(written: Any, message: str) -> None:
    assert read(written).errors == {"amount": [message]}


@given(st.integers(1, 10**12 - 1))
def test_every_amount_survives_as_a_string_and_as_a_number(cents: int) -> None:
    # Given
    amount = Decimal(cents).scaleb(-2)

    # When a client sends it in either form
    as_string, as_number = read(f"{amount}").validated_data, read(float(amount)).validated_data

    # Then
    assert as_string["amount"] == as_number["amount"] == amount


@pytest.mark.parametrize(
    ("stored", "currency", "shown"),
    [("9.5", "EUR", "9.50"), ("1E+1", "USD", "10.00"), ("1200.00", "JPY", "1200"), ("1.2E+3", "JPY", "1200")],
)
def test_an_offer_shows_its_amount_in_the_digits_of_its_currency(stored: str, currency: str, shown: str) -> None:
    product = ProductFactory.build(pk=1, currency=currency, seller=None, category=None)
    offer = OfferFactory.build(product=product, buyer=None, seller=None, amount=Decimal(stored))

    assert OfferSerializer().get_amount(offer) == shown

"""The price of a product over HTTP: exact, in the units of its currency, and the same in every answer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from products.models import Product
from tests.factories import CategoryFactory, ProductFactory, UserFactory
from tests.marketplace.problems import problem

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/api/v1/products/"
HALF_A_YEN = ["JPY has no smaller unit than 1."]


@pytest.fixture
def teapot() -> dict[str, Any]:
    """A product with a price in yen, as its seller sends it."""
    return {"title": "Teapot", "price": "1200", "currency": "JPY", "category": CategoryFactory(slug="tea").slug}


def url(product: Product) -> str:
    return f"{LIST}{product.pk}/"


@pytest.mark.parametrize("price", ["1200", "1200.00", 1200, 1200.0])
def test_a_price_in_yen_has_no_decimal_places_wherever_it_is_read(
    as_user: Any, api: Any, teapot: dict[str, Any], price: Any
) -> None:
    # When
    created = as_user(UserFactory()).post(LIST, {**teapot, "price": price}, format="json").json()

    # Then
    batch = api.post("/api/v1/batch/products/", {"product_ids": [created["id"]]}, format="json").json()
    pages = [api.get(path).json()["results"] for path in (LIST, "/api/v1/feeds/discover/")]
    rows = [created, api.get(f"{LIST}{created['id']}/").json(), *batch, *pages[0], *pages[1]]
    assert [(row["price"], row["currency"]) for row in rows] == [("1200", "JPY")] * 5
    assert Product.objects.get().price == 1200


@pytest.mark.parametrize(
    ("price", "currency", "messages"),
    [
        ("1200.50", "JPY", HALF_A_YEN),
        (0.5, "JPY", HALF_A_YEN),
        ("9999999999.99", "JPY", ["The greatest amount is 9999999999 JPY."]),
        ("10.505", "EUR", ["Ensure that there are no more than 2 decimal places."]),
        ("0.00", "EUR", ["Ensure this value is greater than or equal to 0.01."]),
        ("1e3", "EUR", ['A valid number is required: plain digits, such as "12.50".']),
    ],
)
def test_a_price_that_its_currency_does_not_have_is_an_error_of_the_price(
    as_user: Any, teapot: dict[str, Any], price: Any, currency: str, messages: list[str]
) -> None:
    answer = as_user(UserFactory()).post(LIST, {**teapot, "price": price, "currency": currency}, format="json")

    assert problem(answer, 400, "invalid_input")["errors"] == {"price": messages}
    assert not Product.objects.exists()


def test_the_currency_of_the_marketplace_counts_where_none_is_sent(
    as_user: Any, teapot: dict[str, Any], settings: Any
) -> None:
    settings.DEFAULT_CURRENCY = "JPY"
    del teapot["currency"]

    answer = as_user(UserFactory()).post(LIST, {**teapot, "price": "10.50"}, format="json")

    assert problem(answer, 400, "invalid_input")["errors"] == {"price": HALF_A_YEN}


def test_a_change_of_the_price_alone_is_held_to_the_currency_that_the_product_has(as_user: Any) -> None:
    # Given
    product = ProductFactory(price=Decimal(1200), currency="JPY")
    seller = as_user(product.seller)

    # When
    refused = seller.patch(url(product), {"price": "1300.50"}, format="json")
    taken = seller.patch(url(product), {"price": "1300.00"}, format="json")

    # Then
    assert problem(refused, 400, "invalid_input")["errors"] == {"price": HALF_A_YEN}
    assert taken.json()["price"] == "1300"


def test_a_change_of_the_currency_alone_or_of_neither_leaves_the_price(as_user: Any) -> None:
    product = ProductFactory(price=Decimal(1200), currency="JPY")
    seller = as_user(product.seller)

    same = seller.patch(url(product), {"currency": "JPY"}, format="json")
    renamed = seller.patch(url(product), {"title": "Pot"}, format="json")
    refused = seller.patch(url(product), {"currency": "EUR"}, format="json")

    assert [same.json()["price"], renamed.json()["price"]] == ["1200", "1200"]
    assert list(problem(refused, 400, "invalid_input")["errors"]) == ["currency"]

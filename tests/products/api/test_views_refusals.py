"""Every refusal about a product, byte for byte: programs compare codes, people read the details."""

from __future__ import annotations

from typing import Any

import pytest

from products.models import Product
from tests.factories import ProductFactory, UserFactory

pytestmark = pytest.mark.django_db

NOT_THE_SELLER = (
    b'{"type":"urn:problem:not-the-seller","title":"Not the seller","status":403,'
    b'"detail":"Only the seller of a product can change or withdraw it.","code":"not_the_seller"}'
)
SOLD = (
    b'{"type":"urn:problem:product-sold","title":"Product sold","status":409,'
    b'"detail":"The product is sold and cannot be changed any more.","code":"product_sold"}'
)
NO_SUCH_PRICE = (
    b'{"type":"urn:problem:invalid-input","title":"Invalid input","status":400,'
    b'"detail":"price: JPY has no smaller unit than 1.","code":"invalid_input",'
    b'"errors":{"price":["JPY has no smaller unit than 1."]}}'
)


def url(product: Product) -> str:
    return f"/api/v1/products/{product.pk}/"


def check(response: Any, status: int, body: bytes) -> None:
    assert (response.status_code, response.content) == (status, body)
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_a_product_of_somebody_else(as_user: Any, method: str) -> None:
    client = as_user(UserFactory())

    check(getattr(client, method)(url(ProductFactory()), {"title": "x"}, format="json"), 403, NOT_THE_SELLER)


def test_a_change_of_a_product_that_is_sold(as_user: Any) -> None:
    product = ProductFactory(status="sold")

    check(as_user(product.seller).patch(url(product), {"title": "x"}, format="json"), 409, SOLD)


def test_a_price_that_the_currency_does_not_have(as_user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a product whose currency changes between the check of the request and the write
    product = ProductFactory(currency="JPY", price=1200)
    seen = ProductFactory.build(pk=product.pk, seller=product.seller, category=product.category, currency="EUR")
    monkeypatch.setattr("products.services.visible_product", lambda *_: seen)

    # when its seller sends a price that only the old currency can express
    response = as_user(product.seller).patch(url(product), {"price": "12.50"}, format="json")

    # then the service refuses it
    check(response, 400, NO_SUCH_PRICE)

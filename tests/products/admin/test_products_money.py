"""Prices in the admin: shown in the digits of their currency, and an error of the form where they have others."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from products.models import Product
from tests.factories import CategoryFactory, ProductFactory, UserFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/products/product/"
INLINE = {"views-TOTAL_FORMS": 0, "views-INITIAL_FORMS": 0}
HALF_A_YEN = {"price": ["JPY has no smaller unit than 1."]}


def errors_of(response: Any) -> dict[str, list[str]]:
    return dict(response.context["adminform"].form.errors)


def test_the_list_shows_prices_in_the_digits_of_their_currency(admin: Any) -> None:
    ProductFactory(price=Decimal(1200), currency="JPY")
    ProductFactory(price=Decimal("12.5"), currency="CHF")

    page = admin.get(LIST).content.decode()

    assert '<td class="field-money">1200 JPY</td>' in page
    assert '<td class="field-money">12.50 CHF</td>' in page


@pytest.mark.parametrize(
    ("price", "currency", "errors"),
    [
        ("1200.50", "JPY", HALF_A_YEN),
        ("0", "EUR", {"price": ["The least amount is 0.01 EUR."]}),
        ("1200.00", "", {"currency": ["This field is required."]}),
        ("", "JPY", {"price": ["This field is required."]}),
        ("Infinity", "JPY", {"price": ["Enter a number."]}),
    ],
)
def test_a_new_product_has_a_price_that_its_currency_has(
    admin: Any, price: str, currency: str, errors: dict[str, list[str]]
) -> None:
    form = {"title": "Pot", "seller": UserFactory().pk, "category": CategoryFactory().pk}

    answer = admin.post(f"{LIST}add/", {**form, "price": price, "currency": currency})

    assert errors_of(answer) == errors
    assert not Product.objects.exists()


def test_a_change_of_the_price_is_held_to_the_currency_which_the_form_cannot_change(admin: Any) -> None:
    # Given
    product = ProductFactory(price=Decimal(1200), currency="JPY")
    form = {**INLINE, "title": "Pot", "category": product.category_id}

    # When
    refused = admin.post(f"{LIST}{product.pk}/change/", {**form, "price": "1300.50"})
    taken = admin.post(f"{LIST}{product.pk}/change/", {**form, "price": "1300.00"})

    # Then
    assert (refused.status_code, errors_of(refused)) == (200, HALF_A_YEN)
    assert taken.status_code == 302
    assert Product.objects.get().price == 1300

"""Filters and search narrow the list of products, and each keeps the others."""

from __future__ import annotations

from typing import Any

import pytest

from products.models import ProductStatus
from tests.factories import CategoryFactory, ProductFactory
from tests.products.admin.catalogue_pages import LIST, titles

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"red lamp", "blue chair"}),
        ("status__exact=sold", {"blue chair"}),
        ("currency__exact=USD", {"blue chair"}),
        ("category=lamps", {"red lamp"}),
        ("category=unknown", set()),
        ("q=red", {"red lamp"}),
        ("q=RE+lam", {"red lamp"}),
        ("q=lamp+chair", set()),
        ("q=amp", set()),
        ("q=%27%22%5C%3A*+%26+%21", set()),
    ],
)
def test_filters_and_search_narrow_the_list(admin: Any, query: str, expected: set[str]) -> None:
    ProductFactory(title="red lamp", description="", category=CategoryFactory(slug="lamps"))
    ProductFactory(title="blue chair", description="", status=ProductStatus.SOLD, currency="USD")

    assert titles(admin.get(f"{LIST}?{query}")) == expected


def test_the_category_filter_keeps_the_others(admin: Any) -> None:
    CategoryFactory(slug="lamps", name="Lamps & more")

    page = admin.get(f"{LIST}?status__exact=sold&category=lamps&q=red").content.decode()

    assert '<option value="lamps">Lamps &amp; more</option>' in page
    assert '<input type="hidden" name="status__exact" value="sold">' in page
    assert '<input type="hidden" name="q" value="red">' in page

"""Categories in the admin: listed with their products, deleted only if empty, completed from what is typed."""

from __future__ import annotations

from typing import Any

import pytest

from products.models import Category
from tests.factories import CategoryFactory, ProductFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("count", [1, 30])
def test_categories_are_listed_with_their_products_in_one_query(
    admin: Any, count: int, django_assert_num_queries: Any
) -> None:
    for category in CategoryFactory.create_batch(count):
        ProductFactory(category=category)

    # Session, user, two counts and the page.
    with django_assert_num_queries(5):
        page = admin.get("/admin/products/category/").content.decode()

    assert page.count('<td class="field-product_count">1</td>') == count


def test_only_an_empty_category_is_deleted(admin: Any) -> None:
    held, empty = ProductFactory().category, CategoryFactory()

    refused = admin.post(f"/admin/products/category/{held.pk}/delete/", {"post": "yes"})
    deleted = admin.post(f"/admin/products/category/{empty.pk}/delete/", {"post": "yes"})

    assert (refused.status_code, deleted.status_code) == (403, 302)
    assert list(Category.objects.all()) == [held]


def test_sellers_and_categories_are_completed_from_what_is_typed(admin: Any) -> None:
    CategoryFactory(name="Lamps")
    query = {"app_label": "products", "model_name": "product", "field_name": "category", "term": "lam"}

    found = admin.get("/admin/autocomplete/", query).json()["results"]

    assert [row["text"] for row in found] == ["Lamps"]

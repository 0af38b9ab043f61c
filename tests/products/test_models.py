"""The constraints of the catalogue in the database, which hold for every writer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from products.models import Category, Product, ProductViews, ProductViewsHour
from tests.factories import CategoryFactory, ProductFactory

pytestmark = pytest.mark.django_db


def refused(rows: models.QuerySet[Any], **changes: Any) -> str:
    """Return the name of the constraint that refuses an UPDATE, without validation by Django."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        rows.update(**changes)
    name: str = caught.value.__cause__.diag.constraint_name
    return name


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"price": 0}, "product_price_positive"),
        ({"price": Decimal("-0.01")}, "product_price_positive"),
        ({"currency": "XYZ"}, "product_currency"),
        ({"currency": ""}, "product_currency"),
        ({"status": "lost"}, "product_status"),
        ({"title": ""}, "product_title_not_blank"),
        ({"source": "shop"}, "product_source_whole"),
        ({"source_id": "1"}, "product_source_whole"),
    ],
)
def test_a_product_that_breaks_a_rule_is_refused(changes: dict[str, Any], constraint: str) -> None:
    product = ProductFactory()

    assert refused(Product.objects.filter(pk=product.pk), **changes) == constraint


@pytest.mark.parametrize("slug", ["", "Lamps", "lamps_", "-lamps", "lamps-", "a--b", "a b", "ä", "a\n"])
def test_a_slug_is_lower_case_words_with_dashes(slug: str) -> None:
    category = CategoryFactory()

    assert refused(Category.objects.filter(pk=category.pk), slug=slug) == "category_slug"


def test_a_category_has_a_name_and_a_slug_of_its_own() -> None:
    CategoryFactory(slug="lamps")
    category = CategoryFactory()

    assert refused(Category.objects.filter(pk=category.pk), name="") == "category_name_not_blank"
    assert refused(Category.objects.filter(pk=category.pk), slug="lamps") == "products_category_slug_key"


def test_an_item_of_a_catalogue_is_imported_once() -> None:
    ProductFactory(source="shop", source_id="7")
    other = ProductFactory(source="shop", source_id="8")

    assert refused(Product.objects.filter(pk=other.pk), source_id="7") == "product_source_once"


def test_products_without_a_source_do_not_conflict() -> None:
    ProductFactory.create_batch(2)

    assert Product.objects.filter(source="", source_id="").count() == 2


def test_counts_are_never_negative_and_an_hour_without_views_has_no_row() -> None:
    product = ProductFactory()
    ProductViewsHour.objects.create(hour=timezone.now(), product=product, views=1)

    assert refused(ProductViews.objects.filter(product=product), views=-1) == "product_views_not_negative"
    assert refused(ProductViewsHour.objects.filter(product=product), views=0) == "product_views_hour_positive"


def test_a_product_has_one_row_of_views_and_one_for_each_hour() -> None:
    product, hour = ProductFactory(), timezone.now()
    ProductViewsHour.objects.create(hour=hour, product=product, views=1)

    with pytest.raises(IntegrityError, match="products_productviews_pkey"), transaction.atomic():
        ProductViews.objects.create(product=product)
    with pytest.raises(IntegrityError, match="products_productviewshour_pkey"), transaction.atomic():
        ProductViewsHour.objects.create(hour=hour, product=product, views=1)


def test_what_holds_or_sells_products_stays() -> None:
    product = ProductFactory()

    with pytest.raises(ProtectedError):
        product.category.delete()
    with pytest.raises(ProtectedError):
        product.seller.delete()


def test_counts_go_with_their_product() -> None:
    product = ProductFactory(views=3)
    ProductViewsHour.objects.create(hour=timezone.now(), product=product, views=1)

    product.delete()

    assert not ProductViews.objects.exists()
    assert not ProductViewsHour.objects.exists()


def test_the_counter_table_leaves_room_for_updates_in_place() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname = 'products_productviews'")
        assert cursor.fetchone() == (["fillfactor=50"],)

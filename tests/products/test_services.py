"""Changes of products: one transaction each, visible to the next read, and announced by a signal."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.http import Http404

from caching import invalidate
from caching.readthrough.batch import fetch_many
from caching.readthrough.fetch import State, fetch
from offers.models import OfferStatus
from products import services
from products.cache import products
from products.errors import InvalidInput, NotTheSeller, ProductSold
from products.models import Product, ProductStatus
from products.signals import products_closed
from tests.factories import CategoryFactory, OfferFactory, ProductFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def closed() -> Iterator[list[list[int]]]:
    """The lists of ids that `products_closed` was sent with."""
    calls: list[list[int]] = []

    def note(product_ids: list[int], **_: Any) -> None:
        assert transaction.get_connection().in_atomic_block
        calls.append(product_ids)

    products_closed.connect(note)
    yield calls
    products_closed.disconnect(note)


def cached(product: Product) -> State | None:
    """Return where a read of the product comes from, or None if there is no such product."""
    found = fetch(products, product.pk)
    return found.state if found.body is not None else None


def test_a_product_comes_with_its_row_of_views_and_a_moment_of_creation() -> None:
    fields = {"title": "Lamp", "price": Decimal(5), "currency": "EUR", "category": CategoryFactory()}

    product = services.create_product(UserFactory(), **fields)

    assert product.views.views == 0
    assert product.created_at == product.updated_at
    assert product.status == ProductStatus.AVAILABLE


def test_a_price_is_held_to_the_currency_that_the_product_has_by_now() -> None:
    """The client may have seen another currency, since an import can change it."""
    product = ProductFactory(price=Decimal(1200), currency="JPY")

    with pytest.raises(InvalidInput, match="JPY has no smaller unit"):
        services.update_product(product.pk, product.seller, price=Decimal("12.50"), title="Pot")

    product.refresh_from_db()
    assert product.price == Decimal(1200)
    assert product.title != "Pot"


def test_a_product_that_was_remembered_as_missing_is_found_once_it_exists() -> None:
    last = ProductFactory().pk
    assert fetch(products, last + 1).body is None

    product = ProductFactory()

    assert product.pk == last + 1
    assert cached(product) is State.MISS


def test_a_change_forgets_the_entry_and_moves_the_time() -> None:
    product = ProductFactory()
    fetch(products, product.pk)

    changed = services.update_product(product.pk, product.seller, price=Decimal("9.99"))

    assert changed.updated_at > product.updated_at
    assert b'"price":"9.99"' in (fetch(products, product.pk).body or b"")


def test_a_change_that_is_rolled_back_forgets_nothing() -> None:
    product = ProductFactory()
    fetch(products, product.pk)

    with transaction.atomic():
        services.update_product(product.pk, product.seller, price=Decimal(1))
        transaction.set_rollback(True)

    assert cached(product) is State.HIT


def test_inside_a_transaction_nothing_is_filled() -> None:
    product = ProductFactory()

    with transaction.atomic():
        services.update_product(product.pk, product.seller, price=Decimal(1))
        fetch_many(products, [product.pk])
        assert cached(product) is State.MISS
        transaction.set_rollback(True)

    assert cached(product) is State.MISS
    assert b'"price":"12.50"' in (fetch(products, product.pk).body or b"")


def test_bulk_writes_are_seen_once_their_author_invalidates() -> None:
    product = ProductFactory()
    fetch(products, product.pk)

    Product.objects.filter(pk=product.pk).update(title="Bulk")
    invalidate(products, [product.pk])

    assert b'"title":"Bulk"' in (fetch(products, product.pk).body or b"")


def test_a_renamed_category_is_seen_in_its_products() -> None:
    product = ProductFactory(category=CategoryFactory(slug="old"))
    fetch(products, product.pk)

    product.category.slug = "new"
    product.category.save()

    assert b'"category":"new"' in (fetch(products, product.pk).body or b"")


def test_withdrawing_ends_the_offers_too(closed: list[list[int]]) -> None:
    offer = OfferFactory()
    fetch(products, offer.product_id)

    services.withdraw_product(offer.product_id, offer.seller)

    offer.refresh_from_db()
    assert offer.status == OfferStatus.DECLINED
    assert closed == [[offer.product_id]]
    assert cached(offer.product) is None


@pytest.mark.parametrize("change", [services.update_product, services.withdraw_product])
def test_only_the_seller_of_a_product_that_is_there_changes_it(change: Any) -> None:
    product, gone = ProductFactory(), ProductFactory(status=ProductStatus.WITHDRAWN)

    with pytest.raises(NotTheSeller):
        change(product.pk, UserFactory())
    with pytest.raises(Http404):
        change(gone.pk, gone.seller)
    with pytest.raises(Http404):
        change(10**12, product.seller)


def test_a_sold_product_is_not_changed_any_more() -> None:
    product = ProductFactory(status=ProductStatus.SOLD)

    with pytest.raises(ProductSold):
        services.update_product(product.pk, product.seller, price=Decimal(1))


def test_the_staff_withdraws_many_at_once(closed: list[list[int]]) -> None:
    offer, sold = OfferFactory(), ProductFactory(status=ProductStatus.SOLD)
    gone = ProductFactory(status=ProductStatus.WITHDRAWN)
    fetch(products, offer.product_id)

    withdrawn = services.withdraw_products([sold.pk, gone.pk, offer.product_id], UserFactory(is_staff=True))

    offer.refresh_from_db()
    assert withdrawn == sorted([offer.product_id, sold.pk])
    assert closed == [withdrawn]
    assert offer.status == OfferStatus.DECLINED
    assert cached(offer.product) is None

"""Law 9: every change of a product invalidates its entry when it commits, and not before."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from caching import invalidate
from caching.keys import KeySpace
from caching.models import Invalidation
from caching.readthrough.fetch import State, fetch
from caching.redis.connections import client
from offers.demo import seed_offers
from offers.lifecycle.acceptance import accept
from products.cache import products
from products.demo.seeding import Demo
from products.importing.item import Item
from products.importing.lookups import Sellers
from products.importing.writing import Writer
from products.models import Category, Product
from products.services import update_product, withdraw_product, withdraw_products
from tests.factories import OfferFactory, ProductFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

Change = Callable[[Product], Any]
# The seed with which the demo sells the last of five products.
SELLS_THE_LAST = next(seed for seed in range(1000) if Random(seed).sample(range(5), 5)[4] == 4)


def by_import(product: Product) -> None:
    Product.objects.filter(pk=product.pk).update(source="shop", source_id="1")
    item = Item(1, "1", "Imported", "", Decimal("3.00"), "EUR", product.category.name, "", "a shop")
    Writer("shop", Sellers("shop"), timezone.now()).write([item])


def by_acceptance(product: Product) -> None:
    accept(OfferFactory(product=product).pk, product.seller)


def by_admin_form(product: Product) -> None:
    browser = Client()
    browser.force_login(UserFactory(is_staff=True, is_superuser=True))
    fields = {"title": "Edited", "description": "", "price": "4.00", "category": product.category_id}
    inline = {"views-TOTAL_FORMS": 0, "views-INITIAL_FORMS": 0}
    answer = browser.post(f"/admin/products/product/{product.pk}/change/", {**fields, **inline})
    assert answer.status_code == 302


def by_admin_action(product: Product) -> None:
    browser = Client()
    browser.force_login(UserFactory(is_staff=True, is_superuser=True))
    browser.post("/admin/products/product/", {"action": "withdraw", "_selected_action": [product.pk]})


def by_demo_offers(product: Product) -> None:
    # The fifth state of the demo's offers is the one that sells.
    others = ProductFactory.create_batch(4, seller=product.seller, category=product.category)
    with transaction.atomic():
        seed_offers(Demo([*others, product], [product.seller], [UserFactory()]), 5, timezone.now(), SELLS_THE_LAST)


def by_bulk_update(product: Product) -> None:
    with transaction.atomic():
        product.title = "Bulk"
        Product.objects.bulk_update([product], ["title"])
        Product.objects.filter(pk=product.pk).update(price=Decimal("5.00"))
        invalidate(products, [product.pk])


CHANGES: dict[str, Change] = {
    "update": lambda product: update_product(product.pk, product.seller, title="Updated"),
    "withdraw": lambda product: withdraw_product(product.pk, product.seller),
    "withdraw several": lambda product: withdraw_products([product.pk], product.seller),
    "save": lambda product: Product.objects.get(pk=product.pk).save(),
    "delete": lambda product: Product.objects.get(pk=product.pk).delete(),
    "delete of a query": lambda product: Product.objects.filter(pk=product.pk).delete(),
    "update() and bulk_update": by_bulk_update,
    "import": by_import,
    "accepted offer": by_acceptance,
    "offers of the demo": by_demo_offers,
    "form of the admin": by_admin_form,
    "action of the admin": by_admin_action,
    "renamed category": lambda product: Category.objects.get(pk=product.category_id).save(),
}


class Undone(Exception):
    """Rolls a transaction back."""


def warm(product: Product) -> str:
    """Make the product's entry a hit, and return its key."""
    fetch(products, product.pk)
    assert fetch(products, product.pk).state is State.HIT
    return KeySpace("product").entry(product.pk)


def truth(product: Product) -> Any:
    return products.loader([product.pk]).bodies.get(product.pk)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_change_is_seen_by_the_first_read_after_it(change: Change) -> None:
    product = ProductFactory()
    key = warm(product)

    change(product)

    assert client("cache").exists(key) == 0
    assert fetch(products, product.pk).body == truth(product)
    assert not Invalidation.objects.exists()


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_takes_effect_with_the_outermost_commit_and_not_after_a_rollback(change: Change) -> None:
    product = ProductFactory()
    key = warm(product)

    # Rolled back to a savepoint, and with the whole transaction
    with transaction.atomic():
        with pytest.raises(Undone), transaction.atomic():  # noqa: PT012
            change(product)
            raise Undone
        assert client("cache").exists(key) == 1
    with pytest.raises(Undone), transaction.atomic():  # noqa: PT012
        change(product)
        raise Undone
    assert fetch(products, product.pk)[1] is State.HIT
    assert not Invalidation.objects.exists()

    # Released by a savepoint, and then committed
    product.refresh_from_db()
    with transaction.atomic():
        with transaction.atomic():
            change(product)
        assert client("cache").exists(key) == 1
    assert client("cache").exists(key) == 0
    assert fetch(products, product.pk).body == truth(product)


def test_inside_a_transaction_that_has_written_a_read_shows_it_and_keeps_it_to_itself() -> None:
    product = ProductFactory(title="old")
    with pytest.raises(Undone), transaction.atomic():  # noqa: PT012
        Product.objects.filter(pk=product.pk).update(title="mine")
        body = fetch(products, product.pk).body
        assert body is not None
        assert json.loads(body)["title"] == "mine"
        raise Undone
    assert client("cache").exists(KeySpace("product").entry(product.pk)) == 0

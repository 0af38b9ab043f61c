"""Accepting an offer sells the product and closes every other offer on it; withdrawing the product closes all."""

from __future__ import annotations

import pytest

from offers.errors import OfferExpired, ProductNotAvailable
from offers.lifecycle.acceptance import accept
from offers.models import Offer
from products.services import withdraw_product
from tests.factories import OfferFactory, ProductFactory

pytestmark = pytest.mark.django_db


def states(*offers: Offer) -> list[str]:
    return [Offer.objects.get(pk=offer.pk).status for offer in offers]


def test_accepting_sells_the_product_and_closes_the_others(let_expire) -> None:
    # given three offers on a product, one of them expired, and an offer on another product
    product = ProductFactory()
    best, rival, dead = (OfferFactory(product=product) for _ in range(3))
    elsewhere = OfferFactory()
    let_expire(dead)
    # when one of them is accepted
    accept(best.pk, product.seller)
    # then
    assert states(best, rival, dead, elsewhere) == ["accepted", "declined", "expired", "active"]
    dead.refresh_from_db()
    assert dead.closed_at == dead.expires_at
    before = product.updated_at
    product.refresh_from_db()
    assert product.status == "sold"
    assert product.updated_at > before


def test_accepting_an_expired_offer_changes_nothing(let_expire) -> None:
    product = ProductFactory()
    dead, rival = OfferFactory(product=product), OfferFactory(product=product)
    let_expire(dead)
    with pytest.raises(OfferExpired):
        accept(dead.pk, product.seller)
    product.refresh_from_db()
    assert (product.status, states(rival)) == ("available", ["active"])


@pytest.mark.parametrize("status", ["sold", "withdrawn"])
def test_a_product_that_is_not_available_cannot_be_sold(status) -> None:
    # given an active offer on a product that is not available
    offer = OfferFactory(product__status=status)
    with pytest.raises(ProductNotAvailable):
        accept(offer.pk, offer.seller)
    assert states(offer) == ["active"]


def test_withdrawing_a_product_declines_its_offers(let_expire) -> None:
    product = ProductFactory()
    live, dead, other = OfferFactory(product=product), OfferFactory(product=product), OfferFactory()
    let_expire(dead)
    withdraw_product(product.pk, product.seller)
    assert states(live, dead, other) == ["declined", "expired", "active"]


@pytest.mark.django_db(transaction=True)
def test_the_sold_product_reads_as_sold_at_once(api) -> None:
    # given a product that is in the cache
    offer = OfferFactory()
    url = f"/api/v1/products/{offer.product_id}/"
    assert api.get(url).json()["status"] == "available"
    # when it is sold
    accept(offer.pk, offer.seller)
    # then the next request sees it
    assert api.get(url).json()["status"] == "sold"

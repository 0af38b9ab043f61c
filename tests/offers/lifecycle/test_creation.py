"""Making an offer: its fields, and when it is refused."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from offers.deadlines import offer_deadlines
from offers.errors import OfferExists, OwnProduct, ProductNotAvailable
from offers.lifecycle.creation import make_offer
from offers.lifecycle.lifetime import Lifetime
from offers.models import Offer, OfferStatus
from products.errors import InvalidInput
from tests.factories import OfferFactory, ProductFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_an_offer_takes_seller_and_currency_from_its_product() -> None:
    product = ProductFactory(currency="CHF")
    buyer = UserFactory()
    offer = make_offer(buyer, product.pk, Decimal("9.90"), Lifetime(expires_in=600), "Please")
    assert (offer.buyer, offer.seller, offer.currency) == (buyer, product.seller, "CHF")
    assert (offer.amount, offer.message, offer.effective_status) == (Decimal("9.90"), "Please", "active")
    assert offer.expires_at - offer.created_at == timedelta(seconds=600)
    assert offer.effective_closed_at is None


def test_the_product_must_exist() -> None:
    with pytest.raises(InvalidInput) as caught:
        make_offer(UserFactory(), 2**62, Decimal(1), Lifetime())
    assert caught.value.field == "product_id"


@pytest.mark.parametrize("status", ["sold", "withdrawn"])
def test_a_sold_or_withdrawn_product_takes_no_offer(status: str) -> None:
    with pytest.raises(ProductNotAvailable):
        make_offer(UserFactory(), ProductFactory(status=status).pk, Decimal(1), Lifetime())


def test_nobody_bids_on_their_own_product() -> None:
    product = ProductFactory()
    with pytest.raises(OwnProduct):
        make_offer(product.seller, product.pk, Decimal(1), Lifetime())


def test_one_active_offer_per_buyer_and_product() -> None:
    # given an offer
    offer = OfferFactory()
    # when the same buyer makes another, it is refused
    with pytest.raises(OfferExists):
        make_offer(offer.buyer, offer.product_id, Decimal(1), Lifetime())
    # but another buyer's is not
    assert make_offer(UserFactory(), offer.product_id, Decimal(1), Lifetime()).pk


def test_an_expired_offer_blocks_no_new_one(let_expire) -> None:
    # given an offer past its end that is not closed
    dead = OfferFactory()
    let_expire(dead)
    # when its buyer makes another
    fresh = make_offer(dead.buyer, dead.product_id, Decimal(1), Lifetime())
    # then the old one is closed at its end
    dead.refresh_from_db()
    assert (dead.status, dead.closed_at) == (OfferStatus.EXPIRED, dead.expires_at)
    assert fresh.status == OfferStatus.ACTIVE


@pytest.mark.django_db(transaction=True)
def test_the_deadline_is_indexed_on_commit(redis_state) -> None:
    offer = make_offer(UserFactory(), ProductFactory().pk, Decimal(1), Lifetime())
    assert [member.id for member in offer_deadlines.due(80, offer.expires_at)] == [offer.pk]
    assert redis_state.ttl(offer_deadlines.key(offer_deadlines.shard(offer.pk))) == -1


@pytest.mark.django_db(transaction=True)
def test_equal_concurrent_offers_make_one(at_once) -> None:
    buyer, product = UserFactory(), ProductFactory()
    results = at_once(*[lambda: make_offer(buyer, product.pk, Decimal(1), Lifetime())] * 4)
    assert sorted(type(result).__name__ for result in results) == ["Offer"] + ["OfferExists"] * 3
    assert Offer.objects.count() == 1

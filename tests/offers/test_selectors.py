"""Offers read in their effective state, without a run of the job."""

from __future__ import annotations

import pytest

from offers.models import OfferStatus
from offers.selectors import expiring_soon, in_state, offers, offers_of
from tests.factories import OfferFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_an_offer_reads_as_expired_at_its_end(let_expire) -> None:
    offer = OfferFactory()
    let_expire(offer)
    read = offers().get(pk=offer.pk)
    assert read.status == OfferStatus.ACTIVE
    assert (read.effective_status, read.effective_closed_at) == ("expired", offer.expires_at)


def test_every_offer_is_in_exactly_one_state(let_expire) -> None:
    # given one offer in each state, and one past its end that is not closed
    active, dead = OfferFactory(), OfferFactory()
    let_expire(dead)
    closed = {
        state: OfferFactory(status=state, closed_at=active.created_at).pk
        for state in OfferStatus.values
        if state != "active"
    }
    # then the filter by state agrees with the effective state
    for state in OfferStatus.values:
        found = offers().filter(in_state(state))
        assert {offer.effective_status for offer in found} == {state}
    assert {offer.pk for offer in offers().filter(in_state("expired"))} == {dead.pk, closed["expired"]}
    assert [offer.pk for offer in offers().filter(in_state("active"))] == [active.pk]


def test_offers_by_role() -> None:
    user = UserFactory()
    made, received, _ = OfferFactory(buyer=user), OfferFactory(product__seller=user), OfferFactory()
    assert set(offers_of(user)) == {made, received}
    assert list(offers_of(user, "buyer")) == [made]
    assert list(offers_of(user, "seller")) == [received]


def test_offers_that_expire_soon_are_live_and_in_order(expire_in, let_expire) -> None:
    user = UserFactory()
    second, first, later, dead = (OfferFactory(buyer=user) for _ in range(4))
    received = OfferFactory(product__seller=user)
    for offer, seconds in [(second, 600), (first, 300), (received, 450), (later, 7200)]:
        expire_in(offer, seconds=seconds)
    let_expire(dead)
    assert list(expiring_soon(user, 3600)) == [first, received, second]
    assert list(expiring_soon(user, 3600, "seller")) == [received]
    assert list(expiring_soon(user, 1)) == []

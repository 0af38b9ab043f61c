"""Transitions by their party: results, refusals, and the index. The statements have tests of their own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.http import Http404

from offers.clock import database_now
from offers.deadlines import offer_deadlines, track_offer_expiration
from offers.errors import NotTheBuyer, OfferClosed, OfferExpired
from offers.lifecycle import transitions
from offers.lifecycle.acceptance import accept
from offers.lifecycle.lifetime import Lifetime
from offers.lifecycle.state_machine import Actor, Role
from offers.models import OfferStatus
from products.errors import Conflict, InvalidInput, NotTheSeller
from tests.factories import OfferFactory, UserFactory

pytestmark = pytest.mark.django_db

LATER = Lifetime(expires_in=48 * 3600)
BUYERS = {
    "withdraw": lambda offer, user: transitions.withdraw(offer.pk, user),
    "extend": lambda offer, user: transitions.extend(offer.pk, Actor(Role.BUYER, user), LATER),
}
SELLERS = {
    "decline": lambda offer, user: transitions.decline(offer.pk, Actor(Role.SELLER, user)),
    "accept": lambda offer, user: accept(offer.pk, user),
}
ACTIONS = {**BUYERS, **SELLERS}


def party(name, offer):
    return offer.buyer if name in BUYERS else offer.seller


@pytest.mark.parametrize(
    ("name", "state"), [("withdraw", "withdrawn"), ("decline", "declined"), ("accept", "accepted")]
)
def test_a_close_stores_state_and_time(name, state) -> None:
    offer = OfferFactory()
    before = database_now()
    closed = ACTIONS[name](offer, party(name, offer))
    assert (closed.effective_status, closed.status) == (state, state)
    assert before <= closed.closed_at <= database_now()
    assert closed.expires_at == offer.expires_at


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("state", ["accepted", "declined", "withdrawn"])
def test_an_action_on_a_closed_offer_is_refused_with_its_state(name, state) -> None:
    closed_at = database_now()
    offer = OfferFactory(status=state, closed_at=closed_at)
    with pytest.raises(OfferClosed) as caught:
        ACTIONS[name](offer, party(name, offer))
    assert isinstance(caught.value, Conflict)
    assert caught.value.code == "offer_closed"
    assert caught.value.extra == {"offer_status": state, "closed_at": closed_at}


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("swept", [True, False])
def test_an_action_on_an_expired_offer_is_refused_before_and_after_the_sweep(name, swept, let_expire) -> None:
    # given an offer at its end
    offer = OfferFactory()
    let_expire(offer)
    if swept:
        offer.status, offer.closed_at = OfferStatus.EXPIRED, offer.expires_at
        offer.save()
    # when its party acts
    with pytest.raises(OfferExpired) as caught:
        ACTIONS[name](offer, party(name, offer))
    # then the action is refused, and nothing has changed
    assert caught.value.code == "offer_expired"
    assert caught.value.extra == {"offer_status": "expired", "closed_at": offer.expires_at}
    offer.product.refresh_from_db()
    assert offer.product.status == "available"


@pytest.mark.parametrize("name", ACTIONS)
def test_other_users_find_no_offer(name) -> None:
    with pytest.raises(Http404):
        ACTIONS[name](OfferFactory(), UserFactory())


@pytest.mark.parametrize("name", ACTIONS)
def test_an_unknown_offer_is_not_found(name) -> None:
    offer = OfferFactory.build(pk=2**62, product=None, buyer=None, seller=None, currency="EUR")
    with pytest.raises(Http404):
        ACTIONS[name](offer, UserFactory())


def test_the_other_party_is_refused() -> None:
    offer = OfferFactory()
    for act in BUYERS.values():
        with pytest.raises(NotTheBuyer):
            act(offer, offer.seller)
    for act in SELLERS.values():
        with pytest.raises(NotTheSeller, match="received this offer"):
            act(offer, offer.buyer)
    offer.refresh_from_db()
    assert offer.status == OfferStatus.ACTIVE


def test_an_extension_moves_the_end(django_capture_on_commit_callbacks) -> None:
    offer = OfferFactory()
    track_offer_expiration(offer.pk, offer.expires_at)
    with django_capture_on_commit_callbacks(execute=True):
        extended = transitions.extend(offer.pk, Actor(Role.BUYER, offer.buyer), LATER)
    assert extended.expires_at > offer.expires_at
    assert extended.effective_status == "active"
    assert offer_deadlines.due(80, offer.expires_at) == []
    assert [member.id for member in offer_deadlines.due(80, extended.expires_at)] == [offer.pk]


def test_an_extension_must_be_later() -> None:
    offer = OfferFactory()
    for lifetime in (Lifetime(expires_in=3600), Lifetime(expires_at=offer.expires_at)):
        with pytest.raises(InvalidInput) as caught:
            transitions.extend(offer.pk, Actor(Role.BUYER, offer.buyer), lifetime)
        assert caught.value.field == lifetime.field
        assert "later than the offer does now" in caught.value.detail


def test_an_extension_has_the_bounds_of_a_new_offer() -> None:
    offer = OfferFactory()
    too_far = Lifetime(expires_at=database_now() + timedelta(days=31))
    with pytest.raises(InvalidInput):
        transitions.extend(offer.pk, Actor(Role.BUYER, offer.buyer), too_far)


def test_a_closed_offer_leaves_the_index(django_capture_on_commit_callbacks) -> None:
    offer = OfferFactory()
    track_offer_expiration(offer.pk, offer.expires_at)
    with django_capture_on_commit_callbacks(execute=True):
        transitions.withdraw(offer.pk, offer.buyer)
    assert offer_deadlines.count() == 0


def test_the_staff_may_expire_decline_and_extend() -> None:
    staff = UserFactory(is_staff=True)
    expired = transitions.expire_now(OfferFactory().pk, staff)
    assert (expired.effective_status, expired.closed_at) == ("expired", expired.expires_at)
    assert transitions.decline(OfferFactory().pk, Actor(Role.STAFF, staff)).status == "declined"
    offer = OfferFactory()
    assert transitions.extend(offer.pk, Actor(Role.STAFF, staff), LATER).expires_at > offer.expires_at
    with pytest.raises(OfferExpired):
        transitions.expire_now(expired.pk, staff)

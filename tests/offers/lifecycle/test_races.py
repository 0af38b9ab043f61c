"""Concurrent actions on one offer: exactly one wins, the others are refused with its state, no extension is lost."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.http import Http404

from offers.clock import database_now
from offers.errors import OfferClosed, OfferExpired, ProductNotAvailable
from offers.expiration import process_expired_offers, track_offer_expiration
from offers.lifecycle import transitions
from offers.lifecycle.acceptance import accept
from offers.lifecycle.creation import make_offer
from offers.lifecycle.lifetime import Lifetime
from offers.lifecycle.state_machine import Actor, Role
from offers.models import Offer, OfferEvent
from products.models import Product
from products.services import withdraw_product
from tests.factories import OfferFactory, ProductFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 12


def kinds(results) -> list[str]:
    return sorted(type(result).__name__ for result in results)


def test_rivals_accepted_concurrently_sell_the_product_once(at_once) -> None:
    for _ in range(4):
        product = ProductFactory()
        rivals = [OfferFactory(product=product) for _ in range(3)]
        results = at_once(*[lambda offer=offer: accept(offer.pk, offer.seller) for offer in rivals])
        assert kinds(results) == ["Offer", "OfferClosed", "OfferClosed"]
        statuses = sorted(Offer.objects.filter(product=product).values_list("status", flat=True))
        assert statuses == ["accepted", "declined", "declined"]


def test_one_offer_accepted_three_times_concurrently(at_once) -> None:
    offer = OfferFactory()
    results = at_once(*[lambda: accept(offer.pk, offer.seller)] * 3)
    assert kinds(results) == ["Offer", "OfferClosed", "OfferClosed"]


def test_accept_against_withdraw(at_once) -> None:
    for _ in range(ROUNDS):
        offer = OfferFactory()
        results = at_once(
            lambda offer=offer: accept(offer.pk, offer.seller),
            lambda offer=offer: transitions.withdraw(offer.pk, offer.buyer),
        )
        assert kinds(results) == ["Offer", "OfferClosed"]
        winner = next(result for result in results if isinstance(result, Offer))
        loser = next(result for result in results if isinstance(result, OfferClosed))
        offer.refresh_from_db()
        offer.product.refresh_from_db()
        assert offer.status == winner.status == loser.extra["offer_status"]
        assert (offer.product.status == "sold") == (offer.status == "accepted")


def test_accept_against_a_new_offer_on_the_product(at_once) -> None:
    """A new offer does not stay active on a product that was sold meanwhile."""
    for _ in range(ROUNDS):
        offer, late = OfferFactory(), UserFactory()
        at_once(
            lambda offer=offer: accept(offer.pk, offer.seller),
            lambda offer=offer, late=late: make_offer(late, offer.product_id, Decimal(1), Lifetime()),
        )
        assert not Offer.objects.filter(product=offer.product, status="active").exists()


def test_accept_against_the_job_at_the_end(at_once, expire_in) -> None:
    for round_ in range(ROUNDS):
        # given an offer that ends about now
        offer = OfferFactory()
        track_offer_expiration(offer.pk, offer.expires_at)
        expire_in(offer, seconds=round_ * 0.001)
        # when it is accepted while the job runs
        accepted, _ = at_once(lambda offer=offer: accept(offer.pk, offer.seller), process_expired_offers)
        process_expired_offers()
        # then it was accepted in time, or it has expired
        offer.refresh_from_db()
        if isinstance(accepted, Offer):
            assert offer.status == "accepted"
            assert offer.closed_at <= offer.expires_at
        else:
            assert isinstance(accepted, OfferExpired)
            assert database_now() >= offer.expires_at
            assert offer.status == "expired" or process_expired_offers()["database_updated"] == 1


def test_an_extension_that_was_granted_is_honoured(at_once, expire_in) -> None:
    for round_ in range(ROUNDS):
        # given an offer that ends about now and is in the index as due
        offer = OfferFactory()
        track_offer_expiration(offer.pk, offer.created_at)
        expire_in(offer, seconds=round_ * 0.001)
        # when it is extended while the job runs twice
        extended, *_ = at_once(
            lambda offer=offer: transitions.extend(offer.pk, Actor(Role.BUYER, offer.buyer), Lifetime(expires_in=3600)),
            process_expired_offers,
            process_expired_offers,
        )
        process_expired_offers()
        # then it is active if and only if the extension was granted
        offer.refresh_from_db()
        granted = isinstance(extended, Offer)
        assert granted or isinstance(extended, OfferExpired)
        assert offer.status == ("active" if granted else "expired")


def everything_on(product: Product) -> list[Callable[[], Any]]:
    """Return every action of users and the job on a product with three offers."""
    first, second, third = [OfferFactory(product=product) for _ in range(3)]
    return [
        lambda: accept(first.pk, product.seller),
        lambda: accept(second.pk, product.seller),
        lambda: transitions.withdraw(first.pk, first.buyer),
        lambda: transitions.decline(second.pk, Actor(Role.SELLER, product.seller)),
        lambda: transitions.extend(third.pk, Actor(Role.BUYER, third.buyer), Lifetime(expires_in=90_000)),
        lambda: transitions.expire_now(third.pk, product.seller),
        lambda: make_offer(UserFactory(), product.pk, Decimal(1), Lifetime()),
        process_expired_offers,
        lambda: withdraw_product(product.pk, product.seller),
    ]


def test_many_actions_on_one_product_never_deadlock_and_sell_it_at_most_once(at_once) -> None:
    """All actions run concurrently on three offers of one product, in many rounds."""
    deadlocks = database_deadlocks()
    for round_ in range(ROUNDS):
        product = ProductFactory()
        acts = everything_on(product)
        results = at_once(*acts[round_ % len(acts) :], *acts[: round_ % len(acts)])
        # Each action succeeds, or is refused by name.
        allowed = (Offer, OfferClosed, ProductNotAvailable, dict, Http404, type(None))
        assert all(isinstance(result, allowed) for result in results), results
        # At most one offer is accepted. Once the product is sold or withdrawn, no offer is active.
        product.refresh_from_db()
        states = list(Offer.objects.filter(product=product).values_list("status", flat=True))
        assert states.count("accepted") <= 1
        if product.status != "available":
            assert "active" not in states
        # And each closed offer has one final event.
        ends = OfferEvent.objects.filter(offer__product=product).exclude(kind__in=["made", "extended"])
        assert ends.count() == len(states) - states.count("active")
    assert database_deadlocks() == deadlocks


def database_deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])

"""The statements of the state machine: each writes its event too, and a refused one changes nothing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction

from offers.clock import database_now
from offers.lifecycle import state_machine
from offers.lifecycle.creation import make_offer
from offers.lifecycle.lifetime import Lifetime
from offers.lifecycle.state_machine import Actor, Role
from offers.models import Offer, OfferEvent, OfferStatus
from tests.factories import OfferFactory, ProductFactory, UserFactory

pytestmark = pytest.mark.django_db


def events(offer: Offer) -> list[tuple[str, str, int | None]]:
    found = OfferEvent.objects.filter(offer=offer).order_by("id")
    return [(event.kind, event.role, event.actor_id) for event in found]


def buyer(offer: Offer) -> Actor:
    return Actor(Role.BUYER, offer.buyer)


def seller(offer: Offer) -> Actor:
    return Actor(Role.SELLER, offer.seller)


@pytest.mark.parametrize("state", [OfferStatus.ACCEPTED, OfferStatus.DECLINED, OfferStatus.WITHDRAWN])
def test_a_close_and_its_event_are_one_statement(state, django_assert_num_queries) -> None:
    offer = OfferFactory()
    with django_assert_num_queries(1):
        assert state_machine.close(offer.pk, state, seller(offer))
    offer.refresh_from_db()
    (event,) = OfferEvent.objects.filter(offer=offer)
    assert (offer.status, event.kind, event.role, event.actor) == (state, state, "seller", offer.seller)
    assert event.at == offer.closed_at
    assert event.expires_at == offer.expires_at
    assert event.due_at is None


def test_the_event_of_an_extension_has_the_new_end() -> None:
    offer = OfferFactory()
    end = offer.expires_at + timedelta(days=1)
    assert state_machine.extend(offer.pk, end, buyer(offer))
    (event,) = OfferEvent.objects.filter(offer=offer)
    assert (event.kind, event.role, event.expires_at) == ("extended", "buyer", end)
    assert abs(event.at - database_now()) < timedelta(seconds=5)


@pytest.mark.parametrize(
    "refused",
    [
        lambda offer: state_machine.close(offer.pk, OfferStatus.WITHDRAWN, Actor(Role.BUYER, offer.seller)),
        lambda offer: state_machine.close(offer.pk, OfferStatus.DECLINED, Actor(Role.SELLER, offer.buyer)),
        lambda offer: state_machine.extend(offer.pk, offer.expires_at, buyer(offer)),
        lambda offer: state_machine.close(offer.pk + 1, OfferStatus.DECLINED, seller(offer)),
    ],
    ids=["not its buyer", "not its seller", "not later", "no such offer"],
)
def test_a_refused_transition_changes_nothing(refused) -> None:
    offer = OfferFactory()
    assert not refused(offer)
    assert events(offer) == []
    offer.refresh_from_db()
    assert offer.status == "active"


def test_the_staff_can_expire_any_offer_now() -> None:
    offer, staff = OfferFactory(), Actor(Role.STAFF, UserFactory(is_staff=True))
    before = database_now()
    assert state_machine.expire_now(offer.pk, staff)
    offer.refresh_from_db()
    (event,) = OfferEvent.objects.filter(offer=offer)
    assert before <= offer.closed_at == offer.expires_at == event.at == event.expires_at <= database_now()
    assert (event.kind, event.actor) == ("expired", staff.user)
    assert event.due_at is not None


def test_a_batch_expires_in_one_statement_with_a_due_event_each(let_expire, django_assert_num_queries) -> None:
    dead, alive = [OfferFactory() for _ in range(3)], OfferFactory()
    let_expire(*dead)
    with django_assert_num_queries(1):
        expired = state_machine.expire_batch(10)
    assert [deadline.id for deadline in expired] == [offer.pk for offer in dead]
    for offer in dead:
        assert events(offer) == [("expired", "time", None)]
    assert OfferEvent.objects.filter(due_at__lte=database_now()).count() == 3
    assert events(alive) == []
    # and a second run expires nothing and records nothing
    assert state_machine.expire_batch(10) == []
    assert state_machine.expire_ids([offer.pk for offer in dead]) == []
    assert OfferEvent.objects.count() == 3


def test_the_next_batch_starts_after_the_last_one_even_among_equal_ends() -> None:
    now = database_now()
    offers = [OfferFactory(created_at=now - timedelta(days=1), expires_at=now) for _ in range(5)]
    first = state_machine.expire_batch(2)
    second = state_machine.expire_batch(10, first[-1])
    assert [deadline.id for deadline in first + second] == [offer.pk for offer in offers]
    assert Offer.objects.filter(status="active").count() == 0


def test_closing_all_offers_on_a_product_declines_the_live_and_expires_the_ended(let_expire) -> None:
    product = ProductFactory()
    dead, alive = OfferFactory(product=product), OfferFactory(product=product)
    let_expire(dead, seconds_ago=5)
    who = Actor(Role.SELLER, product.seller)
    assert sorted(state_machine.close_all_on([product.pk], who)) == [dead.pk, alive.pk]
    assert events(dead) == [("expired", "time", None)]
    assert events(alive) == [("declined", "seller", product.seller.pk)]
    due = OfferEvent.objects.filter(due_at__isnull=False)
    assert [event.offer_id for event in due] == [dead.pk]


def test_a_new_offer_has_a_first_event_and_an_expired_one_gets_its_last(let_expire) -> None:
    dead = OfferFactory()
    let_expire(dead, seconds_ago=5)
    made = make_offer(dead.buyer, dead.product_id, Decimal(5), Lifetime())
    assert events(dead) == [("expired", "time", None)]
    (event,) = OfferEvent.objects.filter(offer=made)
    assert (event.kind, event.at, event.actor, event.expires_at) == (
        "made",
        made.created_at,
        made.buyer,
        made.expires_at,
    )


def test_a_rollback_removes_the_event(let_expire) -> None:
    offer = OfferFactory()
    let_expire(offer)
    with transaction.atomic():
        state_machine.expire_batch(10)
        transaction.set_rollback(True)
    assert events(offer) == []
    assert state_machine.expire_batch(10)


def test_the_database_refuses_a_second_reminder_of_one_end() -> None:
    offer = OfferFactory()
    sql = (
        "INSERT INTO offers_offerevent (offer_id, kind, at, role, expires_at)"
        " VALUES (%s, 'reminder', now(), 'time', %s) ON CONFLICT DO NOTHING"
    )
    with connection.cursor() as cursor:
        for end in (offer.expires_at, offer.expires_at, offer.expires_at + timedelta(hours=1)):
            cursor.execute(sql, [offer.pk, end])
    assert OfferEvent.objects.filter(offer=offer).count() == 2

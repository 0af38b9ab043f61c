"""Claims of due events: leases, order, messages, and claims that run concurrently."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from offers.clock import database_now
from offers.delivery import outbox
from offers.lifecycle import state_machine
from offers.models import Offer, OfferEvent
from tests.database_clock import DatabaseClock
from tests.factories import OfferEventFactory, OfferFactory, ProductFactory, UserFactory
from tests.offers.delivery.outbox_events import INSTANT, LEASE, MINUTE, claim_one, due, forget, state

pytestmark = pytest.mark.django_db


def test_a_claim_leases_an_event_and_counts_the_attempt(clock: DatabaseClock) -> None:
    event = due()

    claim = claim_one()

    assert (claim.id, claim.attempts, claim.obsolete) == (event.pk, 1, "")
    assert state(event) == (database_now() + MINUTE, 1, None, "")
    assert outbox.claim(10, LEASE) == []


def test_history_and_later_events_are_not_claimed(clock: DatabaseClock) -> None:
    OfferEventFactory(due_at=None)
    OfferEventFactory(due_at=database_now() + INSTANT)

    assert outbox.claim(10, LEASE) == []


def test_the_longest_due_events_are_claimed_first(clock: DatabaseClock) -> None:
    events = [OfferEventFactory(due_at=database_now() - seconds * MINUTE) for seconds in (1, 3, 2)]

    assert {claim.id for claim in outbox.claim(2, LEASE)} == {events[1].pk, events[2].pk}
    assert claim_one().id == events[0].pk


def test_after_the_lease_an_event_can_be_claimed_again(clock: DatabaseClock) -> None:
    event = due()
    claim_one()

    clock.advance(MINUTE - INSTANT)
    assert outbox.claim(10, LEASE) == []
    clock.advance(INSTANT)
    claim = claim_one()

    assert (claim.id, claim.attempts) == (event.pk, 2)


def test_a_message_has_everything_to_deliver() -> None:
    # Given
    buyer = UserFactory(display_name="Bea", email="bea@example.com")
    seller = UserFactory(display_name="Sam", email="")
    end = datetime.fromisoformat("2020-03-04T05:06:07.000089+00:00")
    offer = OfferFactory(
        product=ProductFactory(title="Lamp", seller=seller),
        buyer=buyer,
        amount=Decimal("12.5"),
        created_at=end - timedelta(days=1),
        expires_at=end,
    )
    event = due(offer=offer)

    # When
    message = claim_one().message

    # Then
    assert (message.id, message.event) == (f"offer-{offer.pk}-expired-1583298367000089", event.pk)
    assert (message.kind, message.at, message.expires_at) == (
        "expired",
        "2020-03-04T05:06:07.000089Z",
        "2020-03-04T05:06:07.000089Z",
    )
    assert (message.offer, message.status, message.product, message.title) == (
        offer.pk,
        "active",
        offer.product_id,
        "Lamp",
    )
    assert (message.amount, message.currency) == ("12.50", "EUR")
    assert (message.buyer.id, message.buyer.name, message.buyer.email) == (buyer.pk, "Bea", "bea@example.com")
    assert (message.seller.id, message.seller.name, message.seller.email) == (seller.pk, "Sam", "")


def test_a_message_has_the_time_of_its_claim_by_the_databases_clock(clock: DatabaseClock) -> None:
    clock.set(datetime.fromisoformat("2001-02-03T04:05:06.000007+00:00"))
    due()

    assert claim_one().message.claimed_at == "2001-02-03T04:05:06.000007Z"


def test_the_id_is_the_same_at_each_attempt_and_another_for_each_event(clock: DatabaseClock) -> None:
    offer = OfferFactory()
    due(offer=offer)
    first = claim_one().message.id
    clock.advance(MINUTE)
    due(offer=offer, kind="reminder")
    due()

    ids = [claim.message.id for claim in outbox.claim(10, LEASE)]

    assert first in ids
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"status": "withdrawn", "closed_at": True}, "the offer is withdrawn"),
        ({"status": "expired", "closed_at": True}, "the offer is expired"),
        ({"expires_at": timedelta(days=2)}, "the offer has another end"),
        ({}, "the offer has ended"),
    ],
    ids=["withdrawn", "expired", "extended", "past"],
)
def test_a_reminder_of_an_offer_that_changed_is_obsolete(
    clock: DatabaseClock, change: dict[str, Any], why: str
) -> None:
    # Given a reminder, and a change of its offer before the claim
    offer = OfferFactory(created_at=database_now())
    event = due(offer=offer, kind="reminder")
    if "closed_at" in change:
        change = {**change, "closed_at": database_now()}
    elif "expires_at" in change:
        change = {"expires_at": offer.expires_at + change["expires_at"]}
    else:
        clock.set(offer.expires_at)
    Offer.objects.update(**change) if change else None
    # When
    claim = claim_one()
    outbox.settle([outbox.obsolete(claim, claim.obsolete)])
    # Then
    assert claim.obsolete == why
    assert state(event) == (None, 1, None, f"obsolete: {why}")


def test_an_expiry_is_never_obsolete(clock: DatabaseClock) -> None:
    offer = OfferFactory(created_at=database_now())
    due(offer=offer)
    Offer.objects.update(status="expired", closed_at=database_now(), expires_at=database_now() + INSTANT)

    assert claim_one().obsolete == ""


def test_events_of_deleted_offers_are_obsolete_and_block_no_others(clock: DatabaseClock) -> None:
    # Given three of them, the first with the highest number of attempts that its column holds
    events = [due(attempts=32_767), due(), due(kind="reminder")]
    forget(*events)
    other = due()
    # When
    claims = outbox.claim(3, LEASE)
    outbox.settle([outbox.obsolete(claim, claim.obsolete) for claim in claims])
    # Then
    assert [claim.message for claim in claims] == [None] * 3
    assert [state(event) for event in events] == [
        (None, attempts, None, "obsolete: the offer is gone") for attempts in (32_767, 1, 1)
    ]
    assert claim_one().id == other.pk


def test_a_claim_and_its_settlements_are_a_statement_each(django_assert_num_queries: Any) -> None:
    for _ in range(5):
        due()

    with django_assert_num_queries(2):
        outbox.settle([outbox.delivered(claim) for claim in outbox.claim(10, LEASE)])
    with django_assert_num_queries(0):
        assert outbox.settle([]) == set()


def test_an_expiry_that_is_rolled_back_leaves_no_event(let_expire: Callable[..., None]) -> None:
    offer = OfferFactory()
    let_expire(offer)

    with transaction.atomic():
        assert state_machine.expire_ids([offer.pk]) == [offer.pk]
        assert OfferEvent.objects.count() == 1
        transaction.set_rollback(True)
    assert outbox.claim(10, LEASE) == []
    state_machine.expire_ids([offer.pk])

    assert claim_one().message.offer == offer.pk


@pytest.mark.django_db(transaction=True)
def test_concurrent_claims_get_different_events(at_once: Callable[..., list[Any]]) -> None:
    # Given
    offer = OfferFactory()
    events = {due(offer=offer).pk for _ in range(120)}

    # When
    results = at_once(*[lambda: [outbox.claim(10, LEASE) for _ in range(3)]] * 8)

    # Then none failed, and no event was claimed twice
    claims = [claim.id for result in results for batch in result for claim in batch]
    claims += [claim.id for claim in outbox.claim(1000, LEASE)]
    assert len(claims) == len(set(claims)) == 120
    assert set(claims) == events


@pytest.mark.django_db(transaction=True)
def test_a_claim_skips_locked_events() -> None:
    # Given two events, one of them locked by another session
    busy, free = due(), due()
    other = connection.copy()
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT FROM offers_offerevent WHERE id = %s FOR UPDATE", [busy.pk])
            # When another session claims with a short lock timeout
            with other.cursor() as impatient:
                impatient.execute("SET lock_timeout = '100ms'")
                impatient.execute(outbox._CLAIM, {"limit": 10, "lease": LEASE})
                claimed = [row[0] for row in impatient.fetchall()]
    finally:
        other.close()
    # Then it gets the other one
    assert claimed == [free.pk]

"""Settlements: what each stores, and that one after a lost claim stores nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from offers.clock import database_now
from offers.delivery import outbox
from tests.database_clock import DatabaseClock
from tests.factories import OfferEventFactory
from tests.offers.delivery.outbox_events import LEASE, MINUTE, claim_one, due, state

pytestmark = pytest.mark.django_db


def test_the_notified_party_is_known_until_both_are(clock: DatabaseClock) -> None:
    # Given an event of which one party was notified
    event = due()
    assert claim_one().message.notified == ""
    clock.advance(MINUTE)
    outbox.settle([outbox.failed(claim_one(), "seller: 451", 60, "buyer")])
    # When later attempts fail without naming a party, up to the last one
    for settlement in (
        lambda claim: outbox.failed(claim, "ValueError", 60),
        lambda claim: outbox.given_up(claim, "500"),
    ):
        clock.advance(MINUTE)
        claim = claim_one()
        assert claim.message.notified == "buyer"
        outbox.settle([settlement(claim)])
    # And the event is requeued
    outbox.requeue([event.pk])
    claim = claim_one()
    # Then the notified party is still known, until the event is delivered
    assert claim.message.notified == "buyer"
    outbox.settle([outbox.delivered(claim)])
    event.refresh_from_db()
    assert event.told == ""


def test_the_party_notified_by_the_last_attempt_is_known_too() -> None:
    event = due()

    outbox.settle([outbox.given_up(claim_one(), "buyer: 550", "seller")])

    event.refresh_from_db()
    assert (event.told, event.error) == ("seller", "buyer: 550")


def test_each_settlement_is_stored(clock: DatabaseClock) -> None:
    # Given five claims
    events = [due() for _ in range(5)]
    claims = {claim.id: claim for claim in outbox.claim(10, LEASE)}
    done, later, hopeless, stale, untried = (claims[event.pk] for event in events)
    # When
    held = outbox.settle(
        [
            outbox.delivered(done),
            outbox.failed(later, "answered 500", 10),
            outbox.given_up(hopeless, "answered 410"),
            outbox.obsolete(stale, "too late"),
            outbox.returned(untried),
        ]
    )
    # Then
    now = database_now()
    assert held == set(claims)
    assert [state(event) for event in events] == [
        (None, 1, now, ""),
        (now + timedelta(seconds=10), 1, None, "answered 500"),
        (None, 1, None, "answered 410"),
        (None, 1, None, "obsolete: too late"),
        (now, 0, None, ""),
    ]


def test_a_returned_event_keeps_its_last_error() -> None:
    event = due(error="answered 500", attempts=3)

    outbox.settle([outbox.returned(claim_one())])

    assert state(event)[1:] == (3, None, "answered 500")


def test_a_delivered_event_has_no_error() -> None:
    event = due(error="answered 500", attempts=3)

    outbox.settle([outbox.delivered(claim_one())])

    assert state(event)[3] == ""


@pytest.mark.parametrize("error", ["x" * 600, "a\0b", ""], ids=["long", "with NUL", "empty"])
def test_any_error_can_be_stored(error: str) -> None:
    event = due()

    outbox.settle([outbox.failed(claim_one(), error, 10)])

    assert state(event)[3] == {"x": "x" * 500, "a": "ab", "": "unknown"}[error[:1]]


@pytest.mark.parametrize(
    "settlement",
    [
        outbox.delivered,
        lambda claim: outbox.failed(claim, "late", 10),
        lambda claim: outbox.given_up(claim, "late"),
        lambda claim: outbox.obsolete(claim, "late"),
        outbox.returned,
    ],
    ids=["delivered", "failed", "given up", "obsolete", "returned"],
)
def test_a_settlement_after_the_lease_does_not_undo_another_claim(
    clock: DatabaseClock, settlement: Callable[[outbox.Claim], outbox.Settlement]
) -> None:
    # Given an event that was claimed again after the first lease
    event = due()
    stopped = claim_one()
    clock.advance(MINUTE)
    other = claim_one()
    before = state(event)
    # When the first claim is settled, then nothing changes
    assert outbox.settle([settlement(stopped)]) == set()
    assert state(event) == before
    # And the settlement of the second is kept
    assert outbox.settle([outbox.delivered(other)]) == {event.pk}
    assert outbox.settle([settlement(stopped), settlement(other)]) == set()
    assert state(event)[2:] == (database_now(), "")


def test_requeue_makes_undelivered_events_due_with_all_attempts(clock: DatabaseClock) -> None:
    # Given
    gone, stale = OfferEventFactory(due_at=None, attempts=12, error="answered 500"), due(attempts=3)
    outbox.settle([outbox.obsolete(claim_one(), "no backend")])
    done = OfferEventFactory(due_at=None, attempts=1, delivered_at=database_now())
    history = OfferEventFactory(due_at=None)
    waiting = OfferEventFactory(due_at=database_now() + MINUTE, attempts=2, error="answered 500")
    others = {event: state(event) for event in (done, history, waiting)}
    # When
    assert outbox.requeue([gone.pk, stale.pk, *(event.pk for event in others), 10**9]) == 2
    # Then
    now = database_now()
    assert state(gone) == (now, 0, None, "answered 500")
    assert state(stale) == (now, 0, None, "obsolete: no backend")
    assert {event: state(event) for event in others} == others
    assert outbox.requeue([]) == 0


def test_due_events_can_be_dropped_in_bulk(clock: DatabaseClock, django_assert_num_queries: Any) -> None:
    events = [due() for _ in range(5)]
    later = OfferEventFactory(due_at=database_now() + MINUTE)

    with django_assert_num_queries(2):
        assert (outbox.drop_due(3, "no backend"), outbox.drop_due(3, "no backend")) == (3, 2)

    assert {state(event) for event in events} == {(None, 0, None, "obsolete: no backend")}
    assert state(later)[0] is not None

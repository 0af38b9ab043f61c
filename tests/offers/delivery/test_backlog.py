"""The backlog of events: what waits, for how long, and how many were given up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from offers.clock import database_now
from offers.delivery import backlog
from offers.delivery.backlog import EventBacklog
from tests.factories import OfferEventFactory, OfferFactory

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def test_without_waiting_events_both_are_zero() -> None:
    OfferEventFactory(due_at=None)

    assert backlog.measure() == EventBacklog(0, 0.0)


def test_the_age_counts_from_the_event_and_not_from_its_next_attempt() -> None:
    # given an event of two minutes ago that is retried in a minute
    now = database_now()
    OfferEventFactory(at=now - 2 * MINUTE, due_at=now + MINUTE, attempts=1, error="answered 500")

    # when the backlog is measured
    found = backlog.measure()

    # then it is two minutes old
    assert found.waiting == 1
    assert 120 <= found.oldest_seconds < 150


def test_obsolete_events_do_not_count_as_given_up() -> None:
    offer = OfferFactory()
    OfferEventFactory(offer=offer, due_at=None, error="answered 500")
    OfferEventFactory(offer=offer, due_at=None, error="obsolete: no backend")

    assert backlog.count_given_up() == 1


def test_both_counts_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "_MAX_COUNTED", 2)
    offer = OfferFactory()
    OfferEventFactory.create_batch(3, offer=offer)
    OfferEventFactory.create_batch(3, offer=offer, due_at=None, error="answered 500")

    assert (backlog.measure().waiting, backlog.count_given_up()) == (2, 2)

"""The courier: each due event is delivered at least once, in batches, and the run ends in time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection

from caching.jobs.work_budget import WorkBudget
from offers.clock import database_now
from offers.delivery import courier, outbox
from offers.delivery.base import DELIVERED, Message, Outcome
from offers.delivery.courier import deliver_offer_events
from offers.lifecycle import state_machine
from offers.models import Offer, OfferEvent
from tests.database_clock import DatabaseClock
from tests.factories import OfferFactory
from tests.offers.delivery.recording_backend import FAILED, NOTHING, RecordingBackend, counts, deliver, due, values

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("backend")]


def test_every_due_event_is_delivered_once(backend: RecordingBackend) -> None:
    events = due(120)

    assert deliver() == counts(delivered=120)
    assert deliver() == NOTHING

    assert sorted(message.event for message in backend.messages) == sorted(event.pk for event in events)
    assert None not in values(events, "delivered_at")


def test_an_expiry_is_delivered_after_its_commit(backend: RecordingBackend, let_expire: Callable[..., None]) -> None:
    offer = OfferFactory()
    let_expire(offer)
    state_machine.expire_ids([offer.pk])

    deliver_offer_events()

    (message,) = backend.messages
    assert (message.offer, message.kind, message.status) == (offer.pk, "expired", "expired")


def test_a_reminder_of_a_withdrawn_offer_is_not_delivered(backend: RecordingBackend) -> None:
    # Given two reminders, and one of the offers withdrawn before their delivery
    withdrawn, kept = due(2, kind="reminder")
    now = database_now()
    Offer.objects.update(expires_at=now + timedelta(hours=1))
    OfferEvent.objects.update(expires_at=now + timedelta(hours=1))
    Offer.objects.filter(pk=withdrawn.offer_id).update(status="withdrawn", closed_at=now)
    # When
    assert deliver() == counts(delivered=1, obsolete=1)
    # Then
    assert [message.offer for message in backend.messages] == [kept.offer_id]
    assert values([withdrawn], "error") == ["obsolete: the offer is withdrawn"]


def test_when_the_budget_is_spent_the_rest_is_returned_unattempted(backend: RecordingBackend) -> None:
    events = due(10)

    stats = deliver_offer_events(WorkBudget(4.5, 0, 0, count().__next__))

    assert 0 < stats["delivered"] < 10
    assert stats["waiting"] == 10 - stats["delivered"]
    assert sorted(values(events, "attempts")) == [0] * stats["waiting"] + [1] * stats["delivered"]
    assert deliver_offer_events()["delivered"] == stats["waiting"]


def test_a_stopped_worker_records_its_deliveries(backend: RecordingBackend) -> None:
    events = due(3)
    backend.answers[events[1].offer_id] = SystemExit()

    with pytest.raises(SystemExit):
        deliver_offer_events()

    assert [moment is not None for moment in values(events, "delivered_at")] == [True, False, False]
    assert values(events, "attempts") == [1, 0, 0]


def test_a_delivery_that_outlives_its_lease_is_logged_and_not_counted(
    backend: RecordingBackend, clock: DatabaseClock, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a delivery that takes so long that the event is claimed again meanwhile
    (event,) = due(1)

    def deliver(message: Message) -> Outcome:
        clock.advance(timedelta(seconds=61))
        assert len(outbox.claim(1, 60)) == 1
        return DELIVERED

    backend.deliver = deliver  # type: ignore[method-assign]
    # When
    stats = deliver_offer_events(lease=60)
    # Then the other claim is kept
    assert stats["delivered"] == 0
    assert values([event], "attempts") == [2]
    assert f"event {event.pk} took longer than its lease" in caplog.text


def test_without_a_backend_events_are_dropped_in_bulk(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    events = due(30)
    monkeypatch.setattr(courier, "configured_backend", lambda: None)

    with django_assert_num_queries(3):
        assert deliver() == counts(obsolete=30)

    assert set(values(events, "error")) == {"obsolete: no backend"}
    assert set(values(events, "attempts")) == {0}


def test_a_batch_is_two_statements(django_assert_num_queries: Any) -> None:
    due(30)

    # The second claim finds nothing; the backlog is one more statement.
    with django_assert_num_queries(2 + 1 + 1):
        deliver_offer_events()


def test_retries_do_not_reset_the_age_of_the_backlog(backend: RecordingBackend, clock: DatabaseClock) -> None:
    # Given five events that have just happened, and a receiver that is down
    events = due(5)
    OfferEvent.objects.update(at=database_now())
    backend.always = FAILED
    # When they are retried again and again, then their age grows on
    for minutes in range(1, 9):
        clock.advance(timedelta(minutes=1))
        stats = deliver_offer_events()
        assert (stats["waiting"], stats["oldest_seconds"]) == (5, 60 * minutes)
    assert min(values(events, "attempts")) > 1
    # And once the receiver is up again, all are delivered
    backend.always = DELIVERED
    clock.advance(timedelta(hours=2))
    assert deliver() == counts(delivered=5)


def test_events_of_deleted_offers_neither_end_the_run_nor_fail(backend: RecordingBackend) -> None:
    # Given more of them than a claim takes, before one that can be delivered
    gone = due(60)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM offers_offer")
    (event,) = due(1)
    # When
    assert deliver() == counts(obsolete=60, delivered=1)
    # Then
    assert [message.event for message in backend.messages] == [event.pk]
    assert set(values(gone, "error")) == {"obsolete: the offer is gone"}


def test_celerys_limit_fails_the_slow_event_and_returns_the_rest(
    backend: RecordingBackend,
) -> None:
    # Given three events; Celery ends the delivery of the first, after the time of the run
    events = due(3)
    backend.answers[events[0].offer_id] = SoftTimeLimitExceeded()
    # When
    stats = deliver_offer_events(WorkBudget(2.5, 0, 0, count().__next__))
    # Then
    assert (stats["failed"], stats["waiting"]) == (1, 3)
    assert values(events, "attempts") == [1, 0, 0]
    assert values(events, "error") == ["SoftTimeLimitExceeded: SoftTimeLimitExceeded()", "", ""]


@pytest.mark.slow
def test_ten_thousand_events_are_delivered_in_seconds(backend: RecordingBackend) -> None:
    # Given
    offer = OfferFactory()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO offers_offerevent (offer_id, kind, at, role, expires_at, due_at)"
            " SELECT %s, 'expired', now(), 'time', now(), now() FROM generate_series(1, 10000)",
            [offer.pk],
        )
    # When
    began = database_now()
    stats = deliver(WorkBudget(60, 0, 0))
    # Then
    assert stats == counts(delivered=10_000)
    assert database_now() - began < timedelta(seconds=20)
    assert len({message.event for message in backend.messages}) == len(backend.messages) == 10_000

"""Attempts that fail: which are retried, when, and when an event is given up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from offers.clock import database_now
from offers.delivery import courier, outbox
from offers.delivery.base import DELIVERED, Outcome, Result
from offers.delivery.courier import deliver_offer_events, retry_delay
from tests.database_clock import DatabaseClock
from tests.offers.delivery.recording_backend import (
    FAILED,
    NOTHING,
    REFUSED,
    RecordingBackend,
    counts,
    deliver,
    due,
    values,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("backend")]


def test_a_failure_is_retried_after_a_delay_that_doubles(
    backend: RecordingBackend, clock: DatabaseClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a receiver that fails, and delays without jitter
    backend.always = FAILED
    monkeypatch.setattr(courier.random, "uniform", lambda least, most: 1.0)
    events = due(1)
    # When the event is retried
    waits = []
    for attempt in range(1, 11):
        assert deliver() == counts(failed=1, waiting=1)
        assert deliver() == counts(waiting=1)
        (due_at,) = values(events, "due_at")
        assert values(events, "attempts") == [attempt]
        assert values(events, "error") == ["answered 500"]
        waits.append((due_at - database_now()).total_seconds())
        clock.set(due_at)
    # Then each delay is twice the last one, up to an hour
    assert waits == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600]
    assert {message.id for message in backend.messages} == {backend.messages[0].id}


def test_delays_have_jitter() -> None:
    waits = [retry_delay(3) for _ in range(100)]

    assert 30 <= min(waits) < 36 < 44 < max(waits) <= 50
    assert retry_delay(30_000) <= 4500


@pytest.mark.parametrize("attempts", [1, 4])
def test_after_the_last_attempt_an_event_is_given_up_until_it_is_requeued(
    backend: RecordingBackend, settings: Any, attempts: int
) -> None:
    # Given an event that has one attempt left
    settings.OFFER_EVENT_ATTEMPTS = attempts
    backend.always = FAILED
    (event,) = due(1, attempts=attempts - 1)
    # When it fails
    assert deliver() == counts(given_up=1)
    # Then the event is not retried
    assert deliver() == NOTHING
    assert (values([event], "due_at"), values([event], "error")) == ([None], ["answered 500"])
    # And it is delivered once it is requeued
    backend.always = DELIVERED
    outbox.requeue([event.pk])
    assert deliver() == counts(delivered=1)


def test_a_refused_event_is_given_up_at_once(backend: RecordingBackend) -> None:
    (event,) = due(1)
    backend.answers[event.offer_id] = REFUSED

    assert deliver() == counts(given_up=1)
    assert values([event], "error") == ["answered 410"]


def test_an_event_without_a_recipient_is_obsolete(backend: RecordingBackend) -> None:
    (event,) = due(1)
    backend.answers[event.offer_id] = Outcome(Result.NO_RECIPIENT, "no address")

    assert deliver() == counts(obsolete=1)
    assert values([event], "error") == ["obsolete: no address"]


def test_a_bug_in_one_event_fails_that_event_alone(backend: RecordingBackend) -> None:
    events = due(5)
    backend.answers[events[2].offer_id] = ValueError("cannot write that")

    assert deliver() == counts(delivered=4, failed=1, waiting=1)
    assert values(events, "error") == ["", "", "ValueError: cannot write that", "", ""]


def test_bad_events_never_block_the_others(backend: RecordingBackend, clock: DatabaseClock) -> None:
    # Given that the oldest ten of a hundred events always fail
    events = due(100)
    backend.answers = {event.offer_id: FAILED for event in events[:10]}
    # When the job runs several times
    for _ in range(5):
        deliver_offer_events()
        clock.advance(timedelta(seconds=1))
    # Then all others are delivered
    assert None not in values(events[10:], "delivered_at")
    assert values(events[:10], "delivered_at") == [None] * 10


def test_three_failures_in_a_row_end_the_run_and_cost_the_rest_no_attempt(
    backend: RecordingBackend,
) -> None:
    events = due(60)
    backend.always = FAILED

    stats = deliver_offer_events()

    assert (stats["failed"], stats["waiting"], len(backend.messages)) == (3, 60, 3)
    assert values(events, "attempts") == [1] * 3 + [0] * 57
    assert values(events[3:], "error") == [""] * 57
    # And the next run attempts others
    deliver_offer_events()
    assert sorted(values(events, "attempts")) == [0] * 54 + [1] * 6


def test_an_event_that_kills_the_worker_each_time_is_given_up(backend: RecordingBackend, settings: Any) -> None:
    settings.OFFER_EVENT_ATTEMPTS = 3
    (deadly,) = due(1, attempts=3)

    assert deliver() == counts(given_up=1)
    assert backend.messages == []
    assert values([deadly], "error") == ["no attempt of 3 came to an end"]


@pytest.mark.parametrize("attempts", [1, 12], ids=["that was the last one", "there are others"])
def test_the_next_attempt_knows_which_party_was_notified(
    backend: RecordingBackend, clock: DatabaseClock, settings: Any, attempts: int
) -> None:
    # Given a backend that reaches one of the two parties
    settings.OFFER_EVENT_ATTEMPTS = attempts
    (event,) = due(1)
    backend.always = Outcome(Result.FAILED, "seller: 451", "buyer")
    deliver_offer_events()
    assert values([event], "told") == ["buyer"]
    # When the event is attempted again
    backend.always = DELIVERED
    clock.advance(timedelta(minutes=1))
    outbox.requeue([event.pk])
    deliver_offer_events()
    # Then
    assert [message.notified for message in backend.messages] == ["", "buyer"]
    assert values([event], "told") == [""]

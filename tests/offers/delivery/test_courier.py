"""The job that tells events: each at least once, none in the way of others, and a receiver that is down is spared."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection

from caching.jobs.work_budget import WorkBudget
from caching.models import JobRun
from offers import tasks
from offers.clock import database_now
from offers.delivery import courier, outbox
from offers.delivery.base import DELIVERED, Message, Outcome, Result
from offers.delivery.courier import deliver_offer_events, retry_delay
from offers.lifecycle import state_machine
from offers.models import Offer, OfferEvent
from tests.database_clock import DatabaseClock, database_clock
from tests.factories import OfferEventFactory, OfferFactory

pytestmark = pytest.mark.django_db

FAILED = Outcome(Result.FAILED, "answered 500")
REFUSED = Outcome(Result.REFUSED, "answered 410")
NOTHING = {"delivered": 0, "failed": 0, "given_up": 0, "obsolete": 0, "waiting": 0}


class Receiver:
    """A backend that keeps what it is told, and answers by offer; an exception among the answers is raised."""

    def __init__(self) -> None:
        self.told: list[Message] = []
        self.answers: dict[int, Outcome | BaseException] = {}
        self.always: Outcome = DELIVERED

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def deliver(self, message: Message) -> Outcome:
        self.told.append(message)
        answer = self.answers.get(message.offer, self.always)
        if isinstance(answer, BaseException):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    receiver = Receiver()
    monkeypatch.setattr(courier, "configured_backend", lambda: receiver)
    return receiver


@pytest.fixture
def clock() -> Iterator[DatabaseClock]:
    with database_clock() as clock:
        yield clock


def due(number: int, **values: Any) -> list[OfferEvent]:
    """Return expiries that are due, each of an offer of its own, the oldest first."""
    now = database_now()
    offers = [OfferFactory(created_at=now - timedelta(days=9, seconds=-place)) for place in range(number)]
    return [OfferEventFactory(offer=offer, due_at=now, **values) for offer in offers]


def deliver(*arguments: Any) -> dict[str, Any]:
    """Run the job, and return what it counted; what waits has an age, and nothing else has."""
    stats = deliver_offer_events(*arguments)
    assert (stats.pop("oldest_seconds") > 0) == (stats["waiting"] > 0)
    return stats


def only(**some: Any) -> dict[str, Any]:
    return {**NOTHING, **some}


def of(events: Sequence[OfferEvent], field: str) -> list[Any]:
    for event in events:
        event.refresh_from_db()
    return [getattr(event, field) for event in events]


def test_every_due_event_is_told_and_none_twice(receiver: Receiver) -> None:
    events = due(120)

    assert deliver() == only(delivered=120)
    assert deliver() == NOTHING

    assert sorted(message.event for message in receiver.told) == sorted(event.pk for event in events)
    assert None not in of(events, "delivered_at")


def test_an_expiry_is_told_once_its_transaction_has_committed(
    receiver: Receiver, let_expire: Callable[..., None]
) -> None:
    offer = OfferFactory()
    let_expire(offer)
    state_machine.expire_ids([offer.pk])

    deliver_offer_events()

    (message,) = receiver.told
    assert (message.offer, message.kind, message.status) == (offer.pk, "expired", "expired")


def test_a_failure_is_tried_again_after_a_wait_that_doubles(
    receiver: Receiver, clock: DatabaseClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a receiver that fails, and waits without chance
    receiver.always = FAILED
    monkeypatch.setattr(courier.random, "uniform", lambda least, most: 1.0)
    events = due(1)
    # When it is tried over and over
    waits = []
    for attempt in range(1, 11):
        assert deliver() == only(failed=1, waiting=1)
        assert deliver() == only(waiting=1)
        (due_at,) = of(events, "due_at")
        assert of(events, "attempts") == [attempt]
        assert of(events, "error") == ["answered 500"]
        waits.append((due_at - database_now()).total_seconds())
        clock.set(due_at)
    # Then each wait is twice the last one, to an hour
    assert waits == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600]
    assert {message.id for message in receiver.told} == {receiver.told[0].id}


def test_no_two_wait_alike() -> None:
    waits = [retry_delay(3) for _ in range(100)]

    assert 30 <= min(waits) < 36 < 44 < max(waits) <= 50
    assert retry_delay(30_000) <= 4500


@pytest.mark.parametrize("attempts", [1, 4])
def test_after_its_last_attempt_an_event_is_given_up_until_somebody_says_again(
    receiver: Receiver, settings: Any, attempts: int
) -> None:
    # Given an event that has one attempt left
    settings.OFFER_EVENT_ATTEMPTS = attempts
    receiver.always = FAILED
    (event,) = due(1, attempts=attempts - 1)
    # When that fails
    assert deliver() == only(given_up=1)
    # Then it is left alone
    assert deliver() == NOTHING
    assert (of([event], "due_at"), of([event], "error")) == ([None], ["answered 500"])
    # And told if it is put back
    receiver.always = DELIVERED
    outbox.requeue([event.pk])
    assert deliver() == only(delivered=1)


def test_who_refuses_for_ever_is_asked_once(receiver: Receiver) -> None:
    (event,) = due(1)
    receiver.answers[event.offer_id] = REFUSED

    assert deliver() == only(given_up=1)
    assert of([event], "error") == ["answered 410"]


def test_what_has_nobody_to_be_told_to_is_obsolete(receiver: Receiver) -> None:
    (event,) = due(1)
    receiver.answers[event.offer_id] = Outcome(Result.NO_RECIPIENT, "no address")

    assert deliver() == only(obsolete=1)
    assert of([event], "error") == ["obsolete: no address"]


def test_a_bug_that_one_event_meets_is_its_own_failure(receiver: Receiver) -> None:
    events = due(5)
    receiver.answers[events[2].offer_id] = ValueError("cannot write that")

    assert deliver() == only(delivered=4, failed=1, waiting=1)
    assert of(events, "error") == ["", "", "ValueError: cannot write that", "", ""]


def test_bad_events_never_block_the_others(receiver: Receiver, clock: DatabaseClock) -> None:
    # Given that the oldest ten of a hundred events always fail
    events = due(100)
    receiver.answers = {event.offer_id: FAILED for event in events[:10]}
    # When the job runs now and then
    for _ in range(5):
        deliver_offer_events()
        clock.advance(timedelta(seconds=1))
    # Then all others are told
    assert None not in of(events[10:], "delivered_at")
    assert of(events[:10], "delivered_at") == [None] * 10


def test_a_receiver_that_is_down_is_asked_three_times_a_run_and_costs_the_rest_no_attempt(receiver: Receiver) -> None:
    events = due(60)
    receiver.always = FAILED

    stats = deliver_offer_events()

    assert (stats["failed"], stats["waiting"], len(receiver.told)) == (3, 60, 3)
    assert of(events, "attempts") == [1] * 3 + [0] * 57
    assert of(events[3:], "error") == [""] * 57
    # And the next run asks with others
    deliver_offer_events()
    assert sorted(of(events, "attempts")) == [0] * 54 + [1] * 6


def test_a_reminder_of_a_withdrawn_offer_is_not_told(receiver: Receiver) -> None:
    # Given two reminders, and one of the offers withdrawn before they are told
    withdrawn, kept = due(2, kind="reminder")
    now = database_now()
    Offer.objects.update(expires_at=now + timedelta(hours=1))
    OfferEvent.objects.update(expires_at=now + timedelta(hours=1))
    Offer.objects.filter(pk=withdrawn.offer_id).update(status="withdrawn", closed_at=now)
    # When
    assert deliver() == only(delivered=1, obsolete=1)
    # Then
    assert [message.offer for message in receiver.told] == [kept.offer_id]
    assert of([withdrawn], "error") == ["obsolete: the offer is withdrawn"]


def test_an_event_whose_every_attempt_ended_with_the_worker_is_given_up(receiver: Receiver, settings: Any) -> None:
    settings.OFFER_EVENT_ATTEMPTS = 3
    (deadly,) = due(1, attempts=3)

    assert deliver() == only(given_up=1)
    assert receiver.told == []
    assert of([deadly], "error") == ["no attempt of 3 came to an end"]


def test_when_its_time_is_up_the_rest_goes_back_untried(receiver: Receiver) -> None:
    events = due(10)

    stats = deliver_offer_events(WorkBudget(4.5, 0, 0, count().__next__))

    assert 0 < stats["delivered"] < 10
    assert stats["waiting"] == 10 - stats["delivered"]
    assert sorted(of(events, "attempts")) == [0] * stats["waiting"] + [1] * stats["delivered"]
    assert deliver_offer_events()["delivered"] == stats["waiting"]


def test_a_worker_that_is_told_to_stop_writes_down_what_it_told(receiver: Receiver) -> None:
    events = due(3)
    receiver.answers[events[1].offer_id] = SystemExit()

    with pytest.raises(SystemExit):
        deliver_offer_events()

    assert [moment is not None for moment in of(events, "delivered_at")] == [True, False, False]
    assert of(events, "attempts") == [1, 0, 0]


def test_who_was_too_slow_says_so_and_counts_nothing(
    receiver: Receiver, clock: DatabaseClock, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a receiver so slow that somebody else claims the event meanwhile
    (event,) = due(1)

    def deliver(message: Message) -> Outcome:
        clock.advance(timedelta(seconds=61))
        assert len(outbox.claim(1, 60)) == 1
        return DELIVERED

    receiver.deliver = deliver  # type: ignore[method-assign]
    # When
    stats = deliver_offer_events(lease=60)
    # Then the other's claim stands
    assert stats["delivered"] == 0
    assert of([event], "attempts") == [2]
    assert f"event {event.pk} took longer than its lease" in caplog.text


def test_where_nobody_is_to_be_told_events_are_dropped_in_bulk(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    events = due(30)
    monkeypatch.setattr(courier, "configured_backend", lambda: None)

    with django_assert_num_queries(3):
        assert deliver() == only(obsolete=30)

    assert set(of(events, "error")) == {"obsolete: no backend"}
    assert set(of(events, "attempts")) == {0}


def test_a_batch_is_two_statements(django_assert_num_queries: Any) -> None:
    due(30)

    # A second claim finds nothing, and the backlog is one statement more.
    with django_assert_num_queries(2 + 1 + 1):
        deliver_offer_events()


def test_the_backlog_is_as_old_as_its_oldest_event_however_often_that_was_tried(
    receiver: Receiver, clock: DatabaseClock
) -> None:
    # Given five events that have just happened, and a receiver that is down
    events = due(5)
    OfferEvent.objects.update(at=database_now())
    receiver.always = FAILED
    # When it is tried again and again, then their age goes on
    for minutes in range(1, 9):
        clock.advance(timedelta(minutes=1))
        stats = deliver_offer_events()
        assert (stats["waiting"], stats["oldest_seconds"]) == (5, 60 * minutes)
    assert min(of(events, "attempts")) > 1
    # And when it is up again, nothing is late
    receiver.always = DELIVERED
    clock.advance(timedelta(hours=2))
    assert deliver() == only(delivered=5)


def test_events_of_offers_that_are_gone_neither_end_the_run_nor_fail(receiver: Receiver) -> None:
    # Given more of them than a claim takes, before one that can be told
    gone = due(60)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM offers_offer")
    (event,) = due(1)
    # When
    assert deliver() == only(obsolete=60, delivered=1)
    # Then
    assert [message.event for message in receiver.told] == [event.pk]
    assert set(of(gone, "error")) == {"obsolete: the offer is gone"}


def test_a_run_that_celery_ends_fails_the_event_that_took_so_long_and_gives_back_the_rest(receiver: Receiver) -> None:
    # Given three events, the first of which is told for so long that Celery ends it, after the run's time
    events = due(3)
    receiver.answers[events[0].offer_id] = SoftTimeLimitExceeded()
    # When
    stats = deliver_offer_events(WorkBudget(2.5, 0, 0, count().__next__))
    # Then
    assert (stats["failed"], stats["waiting"]) == (1, 3)
    assert of(events, "attempts") == [1, 0, 0]
    assert of(events, "error") == ["SoftTimeLimitExceeded: SoftTimeLimitExceeded()", "", ""]


@pytest.mark.parametrize("attempts", [1, 12], ids=["that was the last one", "there are others"])
def test_who_was_told_comes_with_the_next_attempt(
    receiver: Receiver, clock: DatabaseClock, settings: Any, attempts: int
) -> None:
    # Given a receiver that reaches one of the two
    settings.OFFER_EVENT_ATTEMPTS = attempts
    (event,) = due(1)
    receiver.always = Outcome(Result.FAILED, "seller: 451", "buyer")
    deliver_offer_events()
    assert of([event], "told") == ["buyer"]
    # When it is tried again
    receiver.always = DELIVERED
    clock.advance(timedelta(minutes=1))
    outbox.requeue([event.pk])
    deliver_offer_events()
    # Then
    assert [message.notified for message in receiver.told] == ["", "buyer"]
    assert of([event], "told") == [""]


def test_the_job_leaves_a_record(receiver: Receiver) -> None:
    due(2)

    stats = tasks.deliver_offer_events()

    run = JobRun.objects.get(job="deliver_offer_events")
    assert (run.outcome, run.stats) == ("succeeded", stats)
    assert stats is not None
    assert stats["delivered"] == 2


def test_the_job_of_reminders_leaves_a_record_and_they_are_told_by_the_other(receiver: Receiver) -> None:
    now = database_now()
    offer = OfferFactory(created_at=now - timedelta(days=1), expires_at=now + timedelta(minutes=30))

    stats = tasks.send_offer_reminders()
    tasks.deliver_offer_events()

    assert stats is not None
    assert stats["recorded"] == 1
    assert JobRun.objects.get(job="send_offer_reminders").stats == stats
    assert [(message.kind, message.offer) for message in receiver.told] == [("reminder", offer.pk)]


def test_the_console_says_it_in_a_line(
    monkeypatch: pytest.MonkeyPatch, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from offers.delivery import backends

    settings.OFFER_EVENTS_BACKEND = "console"
    monkeypatch.setattr(courier, "configured_backend", backends.configured_backend)
    (event,) = due(1)

    with caplog.at_level(logging.INFO, logger="offers.delivery.console"):
        deliver_offer_events()

    (line,) = [record.getMessage() for record in caplog.records if record.name == "offers.delivery.console"]
    assert line.startswith(f"offer {event.offer_id} expired: 10.00 EUR on 'Product ")


@pytest.mark.slow
def test_ten_thousand_events_are_told_in_seconds(receiver: Receiver) -> None:
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
    assert stats == only(delivered=10_000)
    assert database_now() - began < timedelta(seconds=20)
    assert len({message.event for message in receiver.told}) == len(receiver.told) == 10_000

"""Reminders: one for each end of an offer, however many runs there are."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from caching.jobs.work_budget import WorkBudget
from offers.clock import database_now
from offers.delivery import reminders
from offers.delivery.reminders import send_offer_reminders
from offers.models import Offer, OfferEvent
from tests.database_clock import DatabaseClock
from tests.factories import OfferFactory, ProductFactory, UserFactory

pytestmark = pytest.mark.django_db

LEAD = timedelta(hours=1)
DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def an_hour_before(settings: Any) -> None:
    settings.OFFER_REMINDER_SECONDS = LEAD.total_seconds()


def make(number: int, left: timedelta, life: timedelta = DAY, **values: Any) -> list[Offer]:
    """Return offers on one product that live for `life` and have `left` of it."""
    product, end = ProductFactory(), database_now() + left
    return [
        OfferFactory(product=product, buyer=buyer, created_at=end - life, expires_at=end, **values)
        for buyer in UserFactory.create_batch(number)
    ]


def reminders_recorded() -> list[tuple[int, datetime]]:
    found = OfferEvent.objects.filter(kind="reminder").values_list("offer_id", "expires_at")
    return sorted(found)


def test_an_offer_that_ends_soon_gets_a_reminder_that_is_due(clock: DatabaseClock) -> None:
    # Given
    (offer,) = make(1, left=LEAD / 2)

    # When
    stats = send_offer_reminders()

    # Then
    assert stats == {"recorded": 1, "looked_at": 1, "finished": True}
    event = OfferEvent.objects.get()
    now = database_now()
    assert (event.offer_id, event.kind, event.role, event.actor) == (offer.pk, "reminder", "time", None)
    assert (event.at, event.due_at, event.expires_at) == (now, now, offer.expires_at)
    assert (event.attempts, event.delivered_at, event.error) == (0, None, "")


def test_a_second_run_records_nothing() -> None:
    make(3, left=LEAD / 2)

    assert send_offer_reminders()["recorded"] == 3
    assert send_offer_reminders() == {"recorded": 0, "looked_at": 3, "finished": True}
    assert len(reminders_recorded()) == 3


@pytest.mark.parametrize(
    ("left", "life", "number"),
    [
        (LEAD, DAY, 1),
        (LEAD + INSTANT, DAY, 0),
        (INSTANT, DAY, 1),
        (timedelta(0), DAY, 0),
        (-LEAD, DAY, 0),
        (LEAD / 2, LEAD, 1),
        (LEAD / 2, LEAD - INSTANT, 0),
    ],
    ids=["at the window", "before it", "at the end", "at its end", "ended", "made for long enough", "made for less"],
)
def test_the_bounds_of_the_window(clock: DatabaseClock, left: timedelta, life: timedelta, number: int) -> None:
    make(1, left=left, life=life)

    assert send_offer_reminders()["recorded"] == number


@pytest.mark.parametrize("state", ["accepted", "declined", "withdrawn", "expired"])
def test_a_closed_offer_gets_no_reminder(state: str) -> None:
    make(1, left=LEAD / 2, status=state, closed_at=database_now())

    assert send_offer_reminders()["recorded"] == 0


def test_an_extended_offer_gets_another_reminder_before_its_new_end(clock: DatabaseClock) -> None:
    # Given an offer with a reminder that was then extended
    (offer,) = make(1, left=LEAD / 2)
    send_offer_reminders()
    later = offer.expires_at + DAY
    Offer.objects.update(expires_at=later)
    # When its new end is still far
    assert send_offer_reminders()["recorded"] == 0
    # And when it is near
    clock.advance(DAY)
    assert send_offer_reminders()["recorded"] == 1
    # Then there is one for each end
    assert reminders_recorded() == [(offer.pk, offer.expires_at), (offer.pk, later)]


@pytest.mark.parametrize(
    ("extension", "number"),
    [(INSTANT, 0), (LEAD - INSTANT, 0), (LEAD, 1)],
    ids=["an instant", "less than the lead", "the lead"],
)
def test_a_small_extension_gets_no_other_reminder(clock: DatabaseClock, extension: timedelta, number: int) -> None:
    # Given an offer with a reminder that was then extended
    (offer,) = make(1, left=LEAD / 2)
    send_offer_reminders()
    OfferEvent.objects.update(due_at=None, delivered_at=database_now())
    later = offer.expires_at + extension
    Offer.objects.update(expires_at=later)
    # When its new end is near
    clock.set(later - INSTANT)
    # Then
    assert send_offer_reminders()["recorded"] == number


def test_repeated_small_extensions_cause_a_reminder_an_hour(clock: DatabaseClock) -> None:
    # Given an offer
    (offer,) = make(1, left=LEAD / 2)
    # When it is extended by ten minutes again and again, and each reminder is delivered
    for _ in range(19):
        send_offer_reminders()
        OfferEvent.objects.filter(delivered_at=None).update(due_at=None, delivered_at=database_now())
        offer.expires_at += LEAD / 6
        offer.save()
        clock.advance(LEAD / 6)
    # Then there is one reminder an hour
    assert len(reminders_recorded()) == 4


@pytest.mark.parametrize(
    ("state", "number"),
    [
        ({}, 1),
        ({"attempts": 1}, 0),
        ({"attempts": 1, "error": "no connection"}, 1),
        ({"attempts": 1, "error": "seller: 452", "told": "buyer"}, 0),
        ({"due_at": None, "delivered_at": True}, 0),
        ({"due_at": None, "error": "answered 410"}, 1),
        ({"due_at": None, "error": "obsolete: the offer has another end"}, 1),
    ],
    ids=[
        "waits",
        "is being delivered",
        "failed",
        "was half delivered",
        "was delivered",
        "was given up",
        "was obsolete",
    ],
)
def test_a_delivered_reminder_covers_an_end_a_little_later(
    clock: DatabaseClock, state: dict[str, Any], number: int
) -> None:
    # Given a reminder of an end, and the state of its delivery
    (offer,) = make(1, left=LEAD / 2)
    send_offer_reminders()
    OfferEvent.objects.update(**{**state, "delivered_at": database_now()} if "delivered_at" in state else state)
    # When the end is a minute later, then
    Offer.objects.update(expires_at=offer.expires_at + timedelta(minutes=1))
    assert send_offer_reminders()["recorded"] == number
    # And a second run records nothing more
    assert send_offer_reminders()["recorded"] == 0


def test_without_a_lead_nothing_is_recorded(settings: Any, django_assert_num_queries: Any) -> None:
    settings.OFFER_REMINDER_SECONDS = 0
    make(1, left=LEAD / 2)

    with django_assert_num_queries(0):
        assert send_offer_reminders() == {"recorded": 0, "looked_at": 0, "finished": True}


def test_the_window_is_read_once_in_pages_of_one_transaction_each(django_assert_num_queries: Any) -> None:
    # Given ten offers, eight of which end at the same time
    make(8, left=LEAD / 2)
    make(1, left=LEAD / 3)
    make(1, left=LEAD / 4)

    # When the job runs, then each page is a transaction of two statements
    with django_assert_num_queries(4 * 4):
        stats = send_offer_reminders(batch=3)

    # Then
    assert stats == {"recorded": 10, "looked_at": 10, "finished": True}
    with django_assert_num_queries(4 * 4):
        assert send_offer_reminders(batch=3) == {"recorded": 0, "looked_at": 10, "finished": True}


def test_a_run_ends_with_its_budget_and_the_next_one_does_the_rest() -> None:
    make(7, left=LEAD / 2)

    stats = send_offer_reminders(WorkBudget(2, 1000, 0, count().__next__), batch=2)

    assert stats["finished"] is False
    assert 0 < stats["recorded"] < 7
    assert send_offer_reminders(batch=2)["recorded"] == 7 - stats["recorded"]
    assert len(reminders_recorded()) == 7


@pytest.mark.parametrize("error", ["", "obsolete: no backend"], ids=["waiting", "obsolete"])
def test_existing_reminders_draw_no_ids(error: str) -> None:
    # Given 50 offers with reminders
    make(50, left=LEAD / 2)
    send_offer_reminders()
    OfferEvent.objects.update(error=error, due_at=None if error else database_now())
    # When further runs record nothing
    for _ in range(3):
        send_offer_reminders()
    # Then the next event has the next id
    last = max(OfferEvent.objects.values_list("pk", flat=True))
    make(1, left=LEAD / 2)
    send_offer_reminders()
    assert OfferEvent.objects.filter(pk=last + 1).exists()


@pytest.mark.django_db(transaction=True)
def test_eight_concurrent_runs_record_each_reminder_once(at_once: Any) -> None:
    for _ in range(5):
        # Given
        offers = make(40, left=LEAD / 2)

        # When
        results = at_once(*[lambda: send_offer_reminders(batch=7)] * 8)

        # Then
        assert [type(result) for result in results] == [dict] * 8, results
        assert sum(result["recorded"] for result in results) == 40
        assert {offer.pk for offer in offers} <= {id for id, _ in reminders_recorded()}
    assert len(reminders_recorded()) == len(set(reminders_recorded())) == 200


def test_a_run_takes_at_most_half_of_its_minute() -> None:
    assert 0 < reminders.SECONDS <= 30

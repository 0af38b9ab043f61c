"""The events of all offers in the admin: their deliveries, filters, and requeueing."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from offers.admin import read_only
from offers.models import OfferEvent
from tests.factories import OfferFactory, UserFactory
from tests.offers.admin.staff_client import EVENTS, choose, listed, messages_of, staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader() -> Client:
    return staff("view_offerevent", "view_offer")


@pytest.fixture
def editor() -> Client:
    return staff("view_offerevent", "change_offerevent")


def event(kind: str = "expired", **fields: Any) -> OfferEvent:
    now = timezone.now()
    fields = {"offer": OfferFactory(), "at": now, "role": "time", "expires_at": now, **fields}
    return OfferEvent.objects.create(kind=kind, **fields)


def given_up() -> OfferEvent:
    return event(attempts=12, error="answered 500")


def test_events_are_listed_newest_first(reader: Client) -> None:
    offer = OfferFactory(buyer=UserFactory(username="<b>ada</b>"))
    first = event("made", offer=offer, role="buyer", actor=offer.buyer)
    second = event()
    page = reader.get(EVENTS)
    assert [row.pk for row in page.context["cl"].result_list] == [second.pk, first.pk]
    assert "&lt;b&gt;ada&lt;/b&gt; (buyer)" in page.content.decode()
    assert f"/admin/offers/offer/{offer.pk}/change/" in page.content.decode()
    assert b'name="action"' not in page.content


@pytest.mark.parametrize("count", [1, 40])
def test_the_list_takes_as_many_queries_for_one_as_for_forty(
    reader: Client, count: int, django_assert_num_queries: Any
) -> None:
    for _ in range(count):
        event("made", role="buyer", actor=UserFactory())
    # Session, user and two for the permissions; count and page.
    with django_assert_num_queries(6):
        reader.get(EVENTS)


def test_filters_by_kind_and_delivery(reader: Client) -> None:
    now = timezone.now()
    history = event("made", role="buyer")
    waiting, tried = event(due_at=now), event("reminder", due_at=now, attempts=1, error="no answer")
    delivered, lost = event(delivered_at=now, attempts=1), given_up()
    obsolete = event("reminder", error="obsolete: the offer has ended")
    assert listed(reader, "?delivery=waiting", EVENTS) == {waiting.pk, tried.pk}
    assert listed(reader, "?delivery=delivered", EVENTS) == {delivered.pk}
    assert listed(reader, "?delivery=given_up", EVENTS) == {lost.pk}
    assert listed(reader, "?delivery=obsolete", EVENTS) == {obsolete.pk}
    assert listed(reader, "?delivery=none", EVENTS) == {history.pk}
    assert listed(reader, "?delivery=rubbish&kind__exact=reminder", EVENTS) == {tried.pk, obsolete.pk}
    assert listed(reader, "?delivery=waiting&kind__exact=reminder", EVENTS) == {tried.pk}


def test_search_finds_the_events_of_an_offer(reader: Client) -> None:
    wanted, _ = event(), event()
    assert listed(reader, f"?q={wanted.offer_id}", EVENTS) == {wanted.pk}
    for nothing in ("0", "x", "9" * 30, "²"):
        assert listed(reader, f"?q={nothing}", EVENTS) == set()


def test_a_given_up_event_is_requeued(editor: Client) -> None:
    # given an event that was given up, and others
    lost, waiting, delivered, history = (
        given_up(),
        event(due_at=timezone.now()),
        event(delivered_at=timezone.now()),
        event(),
    )
    # when all are chosen
    response = choose(editor, "deliver_again", lost, waiting, delivered, history, url=EVENTS)
    # then that one is due again, and the log names it
    assert messages_of(editor.get(response.url)) == ["1 event will be delivered again."]
    lost.refresh_from_db()
    assert lost.due_at is not None
    assert lost.attempts == 0
    assert LogEntry.objects.get().object_id == str(lost.pk)
    # and a second time there is nothing to requeue
    response = choose(editor, "deliver_again", lost, url=EVENTS)
    assert messages_of(editor.get(response.url))[0].startswith("0 events will be delivered again. Only events")


def test_more_rows_than_an_action_takes_are_refused_with_advice(
    editor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offers.admin.events.MAX_ROWS", 1)
    first, _ = given_up(), given_up()
    response = choose(editor, "deliver_again", first, url=EVENTS, select_across="1")
    assert messages_of(editor.get(response.url)) == [read_only.TOO_MANY]
    assert OfferEvent.objects.filter(due_at__isnull=True).count() == 2


def test_readers_can_view_but_not_requeue(reader: Client) -> None:
    lost = given_up()
    detail = reader.get(f"{EVENTS}{lost.pk}/change/")
    assert detail.status_code == 200
    assert b"Given up: answered 500" in detail.content
    assert choose(reader, "deliver_again", lost, url=EVENTS).status_code == 403
    assert OfferEvent.objects.get().due_at is None


def test_nobody_edits_an_event(editor: Client) -> None:
    lost = given_up()
    page = f"{EVENTS}{lost.pk}/change/"
    assert b'name="_save"' not in editor.get(page).content
    assert editor.post(page, {"error": ""}).status_code == 403
    assert editor.get(f"{EVENTS}{lost.pk}/delete/").status_code == 403
    assert editor.get(f"{EVENTS}add/").status_code == 403


def test_events_need_a_permission_of_their_own() -> None:
    assert staff("view_offer", "change_offer").get(EVENTS).status_code == 403

"""An offer's history on its page: each event with its time, actor and delivery."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from offers.admin import history
from offers.models import Offer, OfferEvent
from tests.factories import OfferFactory, UserFactory
from tests.offers.admin.staff_client import LIST, act, page_of, staff

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 25, 14, 3, 22, 999_999, tzinfo=UTC)


def happened(offer: Offer, kind: str, minute: int = 0, **fields: Any) -> OfferEvent:
    at = START + timedelta(minutes=minute)
    fields = {"role": "time", "expires_at": START + timedelta(days=1), **fields}
    return OfferEvent.objects.create(offer=offer, kind=kind, at=at, **fields)


def rows(client: Client, offer: Offer) -> list[list[str]]:
    """Return the cells of the table, with their markup."""
    page = client.get(page_of(offer)).content.decode()
    table = page.split('class="offer-history"')[1].split("</table>")[0]
    return [re.findall(r"<td>(.*?)</td>", row) for row in table.split("<tr>")[2:]]


def test_a_history_shows_event_time_actor_and_delivery(reader: Client) -> None:
    # given an offer with several events
    offer = OfferFactory(buyer=UserFactory(username="ada"), seller=UserFactory(username="bob"))
    root = UserFactory(username="root")
    happened(offer, "made", 0, role="buyer", actor=offer.buyer)
    happened(offer, "extended", 1, role="staff", actor=root, expires_at=START + timedelta(days=2))
    happened(offer, "reminder", 2, attempts=1, delivered_at=START + timedelta(minutes=3))
    happened(offer, "declined", 4, role="seller", actor=offer.seller)
    happened(OfferFactory(), "withdrawn")
    # when its page is read, then they are listed in order
    assert rows(reader, offer) == [
        ["2026-11-25 14:03:22 UTC", "Made until 2026-11-26 14:03:22 UTC", "ada (buyer)", "-"],
        ["2026-11-25 14:04:22 UTC", "Extended until 2026-11-27 14:03:22 UTC", "root (staff)", "-"],
        [
            "2026-11-25 14:05:22 UTC",
            "Reminder of its end at 2026-11-26 14:03:22 UTC",
            "Time",
            "Delivered 2026-11-25 14:06:22 UTC",
        ],
        ["2026-11-25 14:07:22 UTC", "Declined", "bob (seller)", "-"],
    ]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"due_at": START}, "Waiting, due 2026-11-25 14:03:22 UTC"),
        (
            {"due_at": START, "attempts": 2, "error": "timed out"},
            "Waiting, due 2026-11-25 14:03:22 UTC, attempt 2 failed: timed out",
        ),
        ({"delivered_at": START, "attempts": 1}, "Delivered 2026-11-25 14:03:22 UTC"),
        ({"attempts": 12, "error": "<b>500</b>"}, "Given up: &lt;b&gt;500&lt;/b&gt;"),
        ({"error": "obsolete: the offer has ended"}, "Obsolete: the offer has ended"),
    ],
)
def test_a_delivery_as_text(reader: Client, fields: dict[str, Any], words: str) -> None:
    offer = OfferFactory()
    happened(offer, "expired", **fields)
    assert [row[3] for row in rows(reader, offer)] == [words]


def test_actors_are_links_for_staff_who_may_see_users(reader: Client) -> None:
    offer = OfferFactory(buyer=UserFactory(username="<i>ada</i>"))
    happened(offer, "made", role="buyer", actor=offer.buyer)
    personnel = staff("view_offer", "view_user", username="personnel")
    name = "&lt;i&gt;ada&lt;/i&gt;"
    link = f'<a href="/admin/accounts/user/{offer.buyer_id}/change/">{name}</a> (buyer)'
    assert [row[2] for row in rows(reader, offer)] == [f"{name} (buyer)"]
    assert [row[2] for row in rows(personnel, offer)] == [link]


@pytest.mark.parametrize("count", [0, 1, 30])
def test_a_page_takes_as_many_queries_with_a_long_history_as_without(
    reader: Client, count: int, django_assert_num_queries: Any
) -> None:
    offer = OfferFactory()
    for minute in range(count):
        happened(offer, "extended", minute, role="buyer", actor=UserFactory())
    # What every later page of this process is spared: the content type is looked up once.
    reader.get(page_of(offer))
    # Session, user and two for the permissions; the offer; its history.
    with django_assert_num_queries(6):
        reader.get(page_of(offer))


def test_a_very_long_history_shows_the_last_events(reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_EVENTS", 2)
    monkeypatch.setattr("offers.admin.offers.MAX_EVENTS", 2)
    offer = OfferFactory()
    for minute in range(3):
        happened(offer, "extended", minute)
    assert [row[0][14:16] for row in rows(reader, offer)] == ["04", "05"]
    assert b"Only the last 2 events are shown." in reader.get(page_of(offer)).content


def test_an_offer_without_events_says_that_it_has_no_history(reader: Client) -> None:
    page = reader.get(page_of(OfferFactory())).content.decode()
    assert "Not recorded" in page
    assert 'class="offer-history"' not in page


def test_the_log_of_the_admin_names_the_actor_too() -> None:
    editor, offer = staff("view_offer", "change_offer"), OfferFactory()
    act(editor, "decline", offer)
    log = editor.get(f"{LIST}{offer.pk}/history/").content.decode()
    assert "clerk" in log
    assert "Declined at " in log
    assert [row[2] for row in rows(editor, offer)] == ["clerk (staff)"]

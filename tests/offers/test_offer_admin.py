"""Offers in the admin: true states, filters, and actions with an outcome for each row."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from offers.words import in_words
from tests.factories import OfferFactory, UserFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/offers/offer/"


def staff(*permissions: str) -> Client:
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def editor() -> Client:
    return staff("view_offer", "change_offer")


def listed(client: Client, query: str) -> set[int]:
    return {offer.pk for offer in client.get(LIST + query).context["cl"].result_list}


def act(client: Client, action: str, *offers) -> list[str]:
    data = {"action": action, "_selected_action": [offer.pk for offer in offers]}
    response = client.post(LIST, data, follow=True)
    # By number, which as text would put offer 10 before offer 9.
    return sorted(map(str, response.context["messages"]), key=lambda text: (len(text.split(":")[0]), text))


def test_the_list_tells_the_true_state(editor, let_expire) -> None:
    alive, dead = OfferFactory(), OfferFactory()
    let_expire(dead)
    page = editor.get(LIST).content.decode()
    assert page.count("field-state") == 2
    assert "Expired" in page
    assert "23 h 59 min" in page
    assert str(alive.seller) in page


def test_filters(editor, let_expire, expire_in) -> None:
    late, hour, day, week, more = (OfferFactory() for _ in range(5))
    closed = OfferFactory(status="declined", closed_at=late.created_at)
    let_expire(late)
    for offer, seconds in [(hour, 3000), (day, 80_000), (week, 500_000), (more, 700_000)]:
        expire_in(offer, seconds=seconds)
    assert listed(editor, "?state=expired") == {late.pk}
    assert listed(editor, "?state=declined") == {closed.pk}
    assert listed(editor, "?left=late") == {late.pk}
    assert listed(editor, "?left=hour") == {hour.pk}
    assert listed(editor, "?left=day") == {hour.pk, day.pk}
    assert listed(editor, "?left=week") == {hour.pk, day.pk, week.pk}
    assert listed(editor, "?left=more") == {more.pk}


@pytest.mark.parametrize(
    ("action", "done", "state"),
    [
        ("expire_now", "expired", "expired"),
        ("decline", "declined", "declined"),
        ("extend_by_a_day", "extended", "active"),
    ],
)
def test_actions_tell_the_outcome_of_each_row(editor, let_expire, action, done, state) -> None:
    # given an offer alive, and one dead
    alive, dead = OfferFactory(), OfferFactory()
    let_expire(dead)
    # when the action is taken on both
    messages = act(editor, action, alive, dead)
    # then each is told by itself
    assert messages[0].startswith(f"Offer {alive.pk}: {done}")
    assert messages[1] == f"Offer {dead.pk}: The offer is no longer active: it is expired."
    end = alive.expires_at
    alive.refresh_from_db()
    assert alive.status == state
    if action == "extend_by_a_day":
        assert alive.expires_at - end == timedelta(days=1)
    assert [entry.object_id for entry in LogEntry.objects.all()] == [str(alive.pk)]


def test_an_extension_beyond_the_longest_life_is_refused(editor, expire_in) -> None:
    offer = OfferFactory()
    expire_in(offer, seconds=29.5 * 86_400)
    assert act(editor, "extend_by_a_day", offer) == [f"Offer {offer.pk}: An offer lives at most 30 days from now."]


def test_readers_see_and_cannot_act() -> None:
    reader = staff("view_offer")
    offer = OfferFactory()
    assert reader.get(LIST).status_code == 200
    assert reader.get(f"{LIST}{offer.pk}/change/").status_code == 200
    act_response = reader.post(LIST, {"action": "decline", "_selected_action": [offer.pk]}, follow=True)
    assert act_response.status_code == 200
    offer.refresh_from_db()
    assert offer.status == "active"


def test_money_and_history_cannot_be_edited(editor) -> None:
    offer = OfferFactory()
    editor.post(f"{LIST}{offer.pk}/change/", {"amount": "1.00", "status": "accepted", "message": "changed"})
    offer.refresh_from_db()
    assert (offer.amount, offer.status, offer.message) == (10, "active", "")
    assert editor.get(f"{LIST}add/").status_code == 403
    assert editor.get(f"{LIST}{offer.pk}/delete/").status_code == 403


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(days=2, hours=3, minutes=9), "2 d 3 h"),
        (timedelta(hours=5), "5 h 0 min"),
        (timedelta(seconds=61), "1 min 1 s"),
        (timedelta(milliseconds=5), "0 s"),
        (timedelta(seconds=-5), "0 s"),
    ],
)
def test_durations_in_words(duration, words) -> None:
    assert in_words(duration) == words

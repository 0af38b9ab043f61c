"""The confirmation page of the staff's actions: content, limit of rows, and permissions."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from offers.admin import read_only
from offers.models import Offer
from tests.factories import OfferFactory, UserFactory
from tests.offers.admin.staff_client import ACT, LIST, choose, confirm, messages_of, outcomes_of, staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit of two offers for one action."""
    monkeypatch.setattr("offers.admin.confirmation.MAX_ROWS", 2)


def test_a_confirmation_shows_the_state_of_the_offers_and_changes_nothing(editor: Client, let_expire: Any) -> None:
    # given two live offers, an ended one and a closed one
    alive, also, dead = (OfferFactory() for _ in range(3))
    closed = OfferFactory(status="declined", closed_at=alive.created_at)
    let_expire(dead)
    # when an action on all is chosen, twice
    choose(editor, "decline", alive, also, dead, closed)
    asked = choose(editor, "decline", alive, also, dead, closed)
    # then the page shows the state of each
    page = asked.content.decode()
    assert asked.context["title"] == "Decline: 2 offers?"
    assert "2 of the 4 cannot be acted on any more, and will be left as they are." in " ".join(page.split())
    assert page.count('<tr class="closed">') == 2
    assert "<td>Expired: cannot be acted on</td>" in page
    assert "<td>Declined: cannot be acted on</td>" in page
    assert page.count("23 h 59 min") == 2
    assert 'type="radio"' not in page
    # and nothing was done
    assert set(Offer.objects.filter(status="active")) == {alive, also, dead}
    assert not LogEntry.objects.exists()


def test_a_confirmation_without_live_offers_has_no_button(editor: Client, let_expire: Any) -> None:
    offer = OfferFactory()
    let_expire(offer)
    page = choose(editor, "extend", offer).content.decode()
    assert 'class="default"' not in page
    assert "Back to the list" in page


@pytest.mark.parametrize("more", ["", "2", "x", "100000000000"])
def test_an_extension_by_another_length_is_asked_again(editor: Client, more: str) -> None:
    offer = OfferFactory()
    asked = choose(editor, "extend", offer)
    again = confirm(editor, asked, more=more)
    assert again.context["title"] == "Extend: 1 offer?"
    assert b'id="more-errors"' in again.content
    assert outcomes_of(confirm(editor, again, more="1"))[offer.pk][0]


def test_the_way_back_leads_to_the_same_filtered_list(editor: Client) -> None:
    offer = OfferFactory()
    query = f"?left=day&seller={offer.seller}&state=active"
    asked = choose(editor, "extend", offer, url=LIST + query)
    outcome = confirm(editor, asked, more="1")
    back = f'href="{LIST}{query}"'.replace("&", "&amp;")
    assert back in asked.content.decode()
    assert back in outcome.content.decode()
    assert editor.get(asked.context["act_url"]).url == LIST + query


def test_more_offers_than_an_action_takes_are_refused_with_advice(editor: Client, few: None) -> None:
    # given a list of three, and a limit of two
    offers = OfferFactory.create_batch(3)
    # when all of them are chosen across the pages
    response = choose(editor, "decline", offers[0], url=f"{LIST}?state=active", select_across="1")
    # then the list gives advice
    assert response.url == f"{LIST}?state=active"
    assert messages_of(editor.get(response.url)) == [read_only.TOO_MANY]
    # and a selection within the limit is asked about
    narrowed = choose(editor, "decline", offers[0], url=f"{LIST}?seller={offers[0].seller}", select_across="1")
    assert narrowed.context["alive"] == 1
    assert Offer.objects.filter(status="active").count() == 3


@pytest.mark.parametrize("count", [1, 20])
def test_a_confirmation_takes_as_many_queries_for_one_as_for_twenty(
    editor: Client, count: int, django_assert_num_queries: Any
) -> None:
    offers = OfferFactory.create_batch(count)
    # Session, user and two for the permissions; count and page of the list; the chosen offers.
    with django_assert_num_queries(7):
        choose(editor, "extend", *offers)


@pytest.mark.parametrize("id", ["x", "", "-1", "9" * 30, "1\0"])
def test_something_that_is_no_id_cannot_be_chosen(editor: Client, id: str) -> None:
    assert editor.post(LIST, {"action": "decline", "_selected_action": [id]}).status_code == 400


def test_readers_cannot_act_however_they_ask(editor: Client) -> None:
    # given a reader, and a confirmation page of somebody else
    reader, offer = staff("view_offer", username="reader"), OfferFactory()
    asked = choose(editor, "decline", offer)
    # when the reader submits it, or asks for one
    refused = [choose(reader, "decline", offer), confirm(reader, asked), reader.get(ACT)]
    # then each request is refused
    assert [response.status_code for response in refused] == [403, 403, 403]
    offer.refresh_from_db()
    assert offer.status == "active"


def test_users_who_are_not_staff_are_asked_to_log_in(editor: Client, client: Client) -> None:
    asked = choose(editor, "decline", OfferFactory())
    client.force_login(UserFactory())
    assert confirm(client, asked).status_code == 302
    assert Offer.objects.get().status == "active"


def test_a_confirmation_needs_the_csrf_token() -> None:
    strict = staff("view_offer", "change_offer", enforce_csrf_checks=True)
    offer = OfferFactory()
    token = strict.get(LIST).cookies["csrftoken"].value
    asked = choose(strict, "decline", offer, csrfmiddlewaretoken=token)
    assert b'name="csrfmiddlewaretoken"' in asked.content
    assert confirm(strict, asked).status_code == 403
    assert outcomes_of(confirm(strict, asked, csrfmiddlewaretoken=token))[offer.pk][0]


def test_user_input_is_escaped(editor: Client) -> None:
    offer = OfferFactory(buyer=UserFactory(username="<script>alert(1)</script>"), product__title="<script>alert(2)")
    page = choose(editor, "decline", offer).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page

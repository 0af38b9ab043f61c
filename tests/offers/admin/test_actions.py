"""Actions of the staff on offers, and the outcome for each offer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import OperationalError
from django.test import Client

from offers.lifecycle import transitions
from offers.models import Offer, OfferEvent
from tests.factories import OfferFactory
from tests.offers.admin.staff_client import LIST, act, choose, confirm, outcomes_of

pytestmark = pytest.mark.django_db

DEAD = (False, "The offer is no longer active: it is expired.")


@pytest.mark.parametrize(("action", "state"), [("decline", "declined"), ("expire_now", "expired")])
def test_each_offer_has_its_outcome(editor: Client, let_expire: Any, action: str, state: str) -> None:
    # given a live offer, an ended one, a closed one, and one that is deleted before the confirmation
    alive, dead, gone = OfferFactory(), OfferFactory(), OfferFactory()
    closed = OfferFactory(status="withdrawn", closed_at=alive.created_at)
    let_expire(dead)
    asked = choose(editor, action, alive, dead, closed, gone)
    gone_id, _ = gone.pk, gone.delete()
    # when it is confirmed
    outcome = confirm(editor, asked)
    # then each has an outcome of its own
    alive.refresh_from_db()
    assert outcomes_of(outcome) == {
        alive.pk: (True, f"{state.capitalize()} at {alive.closed_at:%Y-%m-%d %H:%M:%S} UTC."),
        dead.pk: DEAD,
        closed.pk: (False, "The offer is no longer active: it is withdrawn."),
        gone_id: (False, f"There is no offer {gone_id}."),
    }
    assert outcome.context["title"] == f"1 of 4 offers {state}"
    # and both histories name the actor
    event, entry = OfferEvent.objects.get(), LogEntry.objects.get()
    assert (alive.status, event.offer, event.kind, event.role) == (state, alive, state, "staff")
    assert event.actor.username == entry.user.username == "clerk"
    assert (entry.object_id, entry.change_message) == (str(alive.pk), outcomes_of(outcome)[alive.pk][1])


@pytest.mark.parametrize(("choice", "hours"), [("1", 1), ("24", 24), ("72", 72), ("168", 168)])
def test_offers_are_extended_from_their_present_end(editor: Client, expire_in: Any, choice: str, hours: int) -> None:
    # given two offers with different ends
    soon, late = OfferFactory(), OfferFactory()
    expire_in(soon, seconds=600)
    ends = {soon: soon.expires_at, late: late.expires_at}
    # when both are extended
    outcomes = act(editor, "extend", soon, late, more=choice)
    # then each ends that much later than before
    for offer, end in ends.items():
        offer.refresh_from_db()
        assert offer.expires_at == end + timedelta(hours=hours)
        assert outcomes[offer.pk] == (True, f"Extended until {offer.expires_at:%Y-%m-%d %H:%M:%S} UTC.")


def test_an_extension_beyond_the_longest_lifetime_is_refused_alone(editor: Client, expire_in: Any) -> None:
    near, far = OfferFactory(), OfferFactory()
    expire_in(far, seconds=29.5 * 86_400)
    outcomes = act(editor, "extend", near, far, more="24")
    assert outcomes[near.pk][0]
    assert outcomes[far.pk] == (False, "An offer lives at most 30 days from now.")


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ("decline", "The offer is no longer active: it is declined."),
        ("expire_now", "The offer is no longer active: it is expired."),
        ("extend", "An extension must end later than the offer does now."),
    ],
)
def test_a_second_submit_changes_nothing(editor: Client, action: str, reason: str) -> None:
    # given an action that was confirmed
    offer = OfferFactory()
    asked = choose(editor, action, offer)
    assert outcomes_of(confirm(editor, asked, more="24"))[offer.pk][0]
    before = Offer.objects.values().get()
    # when the same form is sent again
    second = outcomes_of(confirm(editor, asked, more="24"))
    # then it is refused, and nothing is changed or logged
    assert second == {offer.pk: (False, reason)}
    assert Offer.objects.values().get() == before
    assert OfferEvent.objects.count() == LogEntry.objects.count() == 1


def test_an_offer_that_ends_before_the_confirmation_is_not_acted_on(editor: Client, let_expire: Any) -> None:
    # given a confirmation from a list of live offers
    ends, lives = OfferFactory(), OfferFactory()
    asked = choose(editor, "decline", ends, lives, url=f"{LIST}?state=active")
    # when one ends before the form is sent, and so no longer matches that list
    let_expire(ends)
    outcomes = outcomes_of(confirm(editor, asked))
    # then it has an outcome nevertheless
    assert outcomes[ends.pk] == DEAD
    assert outcomes[lives.pk][0]


def test_a_database_error_affects_one_offer_only(editor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = (OfferFactory() for _ in range(3))
    decline = transitions.decline

    def fail_once(offer_id: int, actor: Any) -> Offer:
        if offer_id == second.pk:
            raise OperationalError("lock timeout")
        return decline(offer_id, actor)

    monkeypatch.setattr(transitions, "decline", fail_once)
    outcomes = act(editor, "decline", first, second, third)
    assert [outcomes[offer.pk][0] for offer in (first, second, third)] == [True, False, True]
    assert "The database failed" in outcomes[second.pk][1]


def test_an_action_that_cannot_be_logged_is_rolled_back(editor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OperationalError("disk full")

    monkeypatch.setattr("offers.admin.offers.OfferAdmin.log_change", fail)
    offer = OfferFactory()
    assert not act(editor, "decline", offer)[offer.pk][0]
    offer.refresh_from_db()
    assert offer.status == "active"

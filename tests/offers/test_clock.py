"""An offer expires at `expires_at`, to the millisecond, by the database's clock and no other."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import timezone

import offers
from offers import selectors
from offers.clock import database_now
from offers.errors import OfferClosed, OfferExpired
from offers.expiration import process_expired_offers
from offers.lifecycle import transitions
from offers.lifecycle.acceptance import accept
from offers.lifecycle.creation import make_offer
from offers.lifecycle.lifetime import Lifetime
from offers.lifecycle.state_machine import Actor, Role
from offers.models import Offer
from tests.factories import OfferFactory, ProductFactory, UserFactory

pytestmark = pytest.mark.django_db

MILLISECOND = timedelta(milliseconds=1)
HOUR = timedelta(hours=1)
ACTIONS: dict[str, Callable[[Offer], Offer]] = {
    "accept": lambda offer: accept(offer.pk, offer.seller),
    "decline": lambda offer: transitions.decline(offer.pk, Actor(Role.SELLER, offer.seller)),
    "withdraw": lambda offer: transitions.withdraw(offer.pk, offer.buyer),
    "extend": lambda offer: transitions.extend(
        offer.pk, Actor(Role.BUYER, offer.buyer), Lifetime(expires_at=offer.expires_at + HOUR)
    ),
}


@pytest.fixture
def local_time() -> Iterator[Callable[[str], None]]:
    """Return a function that sets the time zone of this process."""

    def put(zone: str) -> None:
        patch.setenv("TZ", zone)
        time.tzset()

    with pytest.MonkeyPatch.context() as patch:
        yield put
    time.tzset()


def status(offer: Offer) -> str:
    return str(selectors.offers().get(pk=offer.pk).effective_status)


@pytest.mark.parametrize("name", ACTIONS)
def test_actions_are_allowed_until_a_millisecond_before_the_end(name, clock) -> None:
    # given two offers that end at the same time, and no worker
    in_time, late = OfferFactory(), OfferFactory()
    Offer.objects.update(expires_at=in_time.expires_at)
    late.refresh_from_db()
    # when one is acted on a millisecond before its end, and the other at its end
    clock.set(in_time.expires_at - MILLISECOND)
    assert (status(in_time), status(late)) == ("active", "active")
    done = ACTIONS[name](in_time)
    clock.set(late.expires_at)
    # then the first succeeds, and the second is expired although its row says active
    assert done.effective_status != "expired"
    with pytest.raises(OfferExpired) as refused:
        ACTIONS[name](late)
    assert refused.value.extra == {"offer_status": "expired", "closed_at": late.expires_at}
    assert status(late) == "expired"
    late.refresh_from_db()
    assert late.status == "active"
    # and so it stays
    clock.advance(MILLISECOND)
    with pytest.raises(OfferExpired):
        ACTIONS[name](late)


@pytest.mark.parametrize(("name", "looks_before"), [("accept", 1), ("decline", 0), ("withdraw", 0)])
def test_closed_at_is_never_later_than_the_end(name, looks_before, clock) -> None:
    # given an offer that ends half a millisecond after the guard reads the clock
    offer = OfferFactory()
    clock.set(offer.expires_at - MILLISECOND * (looks_before + 0.5))
    clock.tick(MILLISECOND)
    # when it is closed, then closed_at is not after its end
    closed = ACTIONS[name](offer)
    assert closed.status in ("accepted", "declined", "withdrawn")
    assert closed.closed_at == offer.expires_at


def test_the_guard_of_an_accept_is_the_last_to_read_the_clock(clock) -> None:
    """Everything else in the accept comes before it; only the commit follows."""
    offer = OfferFactory()
    clock.set(offer.expires_at - MILLISECOND / 2)
    clock.tick(MILLISECOND)
    # `Now()` does not advance within a statement, so the refusal reads the offer as active.
    with pytest.raises(OfferClosed):
        accept(offer.pk, offer.seller)
    offer.refresh_from_db()
    assert offer.status == "active"


def test_the_job_agrees_with_the_readers_to_the_millisecond(clock) -> None:
    offer = OfferFactory()
    clock.set(offer.expires_at - MILLISECOND)
    assert process_expired_offers()["database_updated"] == 0
    clock.set(offer.expires_at)
    assert process_expired_offers()["database_updated"] == 1


# In Central Europe daylight saving ends in the first of these nights and begins in the second, both at 01:00 UTC.
@pytest.mark.parametrize("night", [datetime(2026, 10, 25, tzinfo=UTC), datetime(2027, 3, 28, tzinfo=UTC)])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Pacific/Apia"])
def test_three_hours_are_three_hours_when_daylight_saving_changes(night, zone, clock, local_time) -> None:
    # given a process in local time
    local_time(zone)
    clock.set(night)
    product, buyer = ProductFactory(), UserFactory()
    with timezone.override(zone):
        # when an offer of three hours is made before the change
        offer = make_offer(buyer, product.pk, Decimal(5), Lifetime(expires_in=3 * 3600))
        assert offer.expires_at - offer.created_at == 3 * HOUR
        # then it is active through the change until its end
        for passed in (HOUR - MILLISECOND, HOUR, 2 * HOUR, 3 * HOUR - MILLISECOND):
            clock.set(night + passed)
            assert status(offer) == "active"
            assert process_expired_offers()["database_updated"] == 0
        clock.set(night + 3 * HOUR)
        assert status(offer) == "expired"
        assert process_expired_offers()["database_updated"] == 1


@pytest.mark.parametrize("minutes", [-5, 5])
def test_a_wrong_clock_of_the_process_changes_nothing(minutes, clock, monkeypatch) -> None:
    # given a process whose clock is wrong
    real_time, real_now = time.time, timezone.now
    monkeypatch.setattr(time, "time", lambda: real_time() + 60 * minutes)
    monkeypatch.setattr(timezone, "now", lambda: real_now() + timedelta(minutes=minutes))
    product, buyer = ProductFactory(), UserFactory()
    # when it makes an offer of two minutes
    before = database_now()
    offer = make_offer(buyer, product.pk, Decimal(5), Lifetime(expires_in=120))
    # then the offer starts and ends by the database's clock
    assert (offer.created_at, offer.expires_at) == (before, before + timedelta(minutes=2))
    clock.set(offer.expires_at - MILLISECOND)
    assert process_expired_offers()["database_updated"] == 0
    assert status(offer) == "active"
    clock.set(offer.expires_at)
    assert status(offer) == "expired"
    with pytest.raises(OfferExpired):
        accept(offer.pk, offer.seller)
    assert process_expired_offers()["database_updated"] == 1


def test_no_code_of_offers_reads_the_clock_of_the_process() -> None:
    """The database's clock is the only one that decides. `seed_demo` decides nothing."""
    asking = {"now", "utcnow", "today", "time", "time_ns", "localtime"}
    found = [
        f"{path.name}:{node.lineno}"
        for path in Path(offers.__file__).parent.rglob("*.py")
        if path.name != "seed_demo.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in asking
    ]
    assert found == []

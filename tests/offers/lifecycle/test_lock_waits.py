"""An offer's end that passes while a transaction waits for a lock: the state that was read meanwhile stays true."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from threading import Event
from typing import Any

import pytest
from django.db import connection, transaction

from offers import selectors
from offers.errors import OfferClosed, OfferExpired
from offers.expiration import process_expired_offers
from offers.lifecycle import transitions
from offers.lifecycle.acceptance import accept
from offers.lifecycle.creation import make_offer
from offers.lifecycle.lifetime import Lifetime
from offers.lifecycle.state_machine import Actor, Role
from offers.models import Offer, OfferEvent
from products.services import withdraw_product
from tests.factories import OfferFactory, ProductFactory

pytestmark = pytest.mark.django_db(transaction=True)

MILLISECOND = timedelta(milliseconds=1)


@pytest.fixture
def elsewhere() -> Iterator[Callable[[Callable[[], Any]], Future[Any]]]:
    """Return a function that runs another in a thread, and so in a session of its own."""

    def closing(function: Callable[[], Any]) -> Any:
        try:
            return function()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        yield lambda function: pool.submit(closing, function)


@pytest.fixture
def held(elsewhere) -> Callable[[Callable[[], Any]], Any]:
    """Return a context in which another session has called a function and not committed."""

    @contextmanager
    def hold(function: Callable[[], Any]) -> Iterator[Future[Any]]:
        done, free = Event(), Event()

        @transaction.atomic
        def session() -> Any:
            result = function()
            done.set()
            assert free.wait(10)
            return result

        future = elsewhere(session)
        try:
            assert done.wait(10), future.exception(0)
            yield future
        finally:
            free.set()

    return hold


def await_waiter() -> None:
    """Return once a session waits for a lock."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits")


def busy(offer: Offer) -> Callable[[], Any]:
    return lambda: Offer.objects.select_for_update(no_key=True).get(pk=offer.pk)


def status(offer: Offer) -> str:
    return str(selectors.offers().get(pk=offer.pk).effective_status)


@pytest.mark.parametrize("which", ["rival", "mine"])
def test_an_accept_that_waits_beyond_the_end_is_refused(which, clock, elsewhere, held) -> None:
    # given an offer and a later rival, one of which is locked
    mine = OfferFactory()
    rival = OfferFactory(product=mine.product, expires_at=mine.expires_at + timedelta(hours=1))
    clock.set(mine.expires_at - MILLISECOND)
    with held(busy(rival if which == "rival" else mine)):
        # when the offer is accepted in time, but waits for the lock, and is read as expired meanwhile
        accepting = elsewhere(lambda: accept(mine.pk, mine.seller))
        await_waiter()
        clock.set(mine.expires_at)
        assert status(mine) == "expired"
    # then the accept is refused, and the offer stays expired
    with pytest.raises(OfferExpired):
        accepting.result(10)
    assert (status(mine), status(rival)) == ("expired", "active")
    mine.product.refresh_from_db()
    assert mine.product.status == "available"
    assert not OfferEvent.objects.exists()


def test_a_rival_whose_end_passes_while_an_accept_waits_for_it_has_expired(clock, elsewhere, held) -> None:
    # given an offer and a locked rival that ends before it
    mine = OfferFactory()
    rival = OfferFactory(product=mine.product, expires_at=mine.expires_at - timedelta(hours=1))
    clock.set(rival.expires_at - MILLISECOND)
    with held(busy(rival)):
        # when the offer is accepted and waits for the rival, which is read as expired meanwhile
        accepting = elsewhere(lambda: accept(mine.pk, mine.seller))
        await_waiter()
        clock.set(rival.expires_at)
        assert status(rival) == "expired"
    # then the rival stays expired
    assert accepting.result(10).status == "accepted"
    assert status(rival) == "expired"


REFUSED: dict[str, Callable[[Offer], Any]] = {
    "withdraw": lambda offer: transitions.withdraw(offer.pk, offer.buyer),
    "decline": lambda offer: transitions.decline(offer.pk, Actor(Role.SELLER, offer.seller)),
    "extend": lambda offer: transitions.extend(offer.pk, Actor(Role.BUYER, offer.buyer), Lifetime(expires_in=90_000)),
    "expire now": lambda offer: transitions.expire_now(offer.pk, offer.seller),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_action_that_waits_beyond_the_end_is_refused(name, clock, elsewhere, held) -> None:
    # given an offer that is locked and not changed
    offer = OfferFactory()
    clock.set(offer.expires_at - MILLISECOND)
    with held(busy(offer)):
        # when an action in time waits for the lock, and the end passes
        acting = elsewhere(lambda: REFUSED[name](offer))
        await_waiter()
        clock.set(offer.expires_at)
        assert status(offer) == "expired"
    # then the action is refused
    with pytest.raises(OfferExpired):
        acting.result(10)
    assert not OfferEvent.objects.exists()


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_waits_for_an_accept_that_was_in_time(name, clock, elsewhere, held) -> None:
    # given an accept in time that has not committed, and then the offer's end
    offer = OfferFactory()
    clock.set(offer.expires_at - MILLISECOND)
    with held(lambda: accept(offer.pk, offer.seller)) as accepting:
        clock.set(offer.expires_at)
        # when another action comes
        acting = elsewhere(lambda: REFUSED[name](offer))
        await_waiter()
    # then its refusal says that the offer is accepted, not that it has expired
    assert accepting.result(10).status == "accepted"
    with pytest.raises(OfferClosed) as refused:
        acting.result(10)
    assert refused.value.extra["offer_status"] == "accepted"


@pytest.mark.parametrize("name", REFUSED)
def test_an_action_that_waits_for_an_extension_in_time_is_done(name, clock, elsewhere, held) -> None:
    # given an extension in time that has not committed, and then the old end
    offer = OfferFactory()
    clock.set(offer.expires_at - MILLISECOND)
    buyer, longer = Actor(Role.BUYER, offer.buyer), Lifetime(expires_in=3600)
    with held(lambda: transitions.extend(offer.pk, buyer, longer)) as extending:
        clock.set(offer.expires_at)
        # when another action comes, it waits
        acting = elsewhere(lambda: REFUSED[name](offer))
        await_waiter()
    # then it succeeds, since the offer is active
    assert extending.result(10).effective_status == "active"
    acting.result(10)
    assert OfferEvent.objects.filter(offer=offer).count() == 2


def test_a_locked_expired_offer_blocks_no_new_one(clock, elsewhere, held) -> None:
    # given an expired offer that is not closed, and is locked
    dead = OfferFactory()
    clock.set(dead.expires_at)
    with held(busy(dead)):
        # when its buyer makes another one, that waits
        making = elsewhere(lambda: make_offer(dead.buyer, dead.product_id, Decimal(5), Lifetime()))
        await_waiter()
    # then there is a new one, and the old one is closed
    assert making.result(10).effective_status == "active"
    dead.refresh_from_db()
    assert dead.status == "expired"


def test_an_offer_that_ends_while_its_products_withdrawal_waits_has_expired(clock, elsewhere, held) -> None:
    # given two offers on a product, one of which ends soon and is locked
    product = ProductFactory()
    ending = OfferFactory(product=product)
    lasting = OfferFactory(product=product, expires_at=ending.expires_at + timedelta(hours=1))
    clock.set(ending.expires_at - MILLISECOND)
    with held(busy(ending)):
        # when the withdrawal of the product waits, and the end passes
        withdrawing = elsewhere(lambda: withdraw_product(product.pk, product.seller))
        await_waiter()
        clock.set(ending.expires_at)
        assert status(ending) == "expired"
    withdrawing.result(10)
    # then that offer has expired, and only the other one was declined
    assert (status(ending), status(lasting)) == ("expired", "declined")


def test_the_job_skips_an_accept_that_was_in_time(clock, held) -> None:
    offer = OfferFactory()
    clock.set(offer.expires_at - MILLISECOND)
    with held(lambda: accept(offer.pk, offer.seller)) as accepting:
        clock.set(offer.expires_at)
        assert process_expired_offers()["database_updated"] == 0
    accepting.result(10)
    assert process_expired_offers()["database_updated"] == 0
    assert status(offer) == "accepted"

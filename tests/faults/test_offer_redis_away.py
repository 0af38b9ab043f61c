"""Offers while Redis fails: the table suffices, actions do not wait, and the next run repairs the index."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from caching.deadlines import Deadline
from caching.redis.connections import pool
from offers import sweep
from offers.clock import database_now
from offers.deadlines import active_offers, offer_deadlines
from offers.expiration import process_expired_offers
from offers.lifecycle import transitions
from offers.lifecycle.acceptance import accept
from offers.lifecycle.creation import make_offer
from offers.lifecycle.lifetime import Lifetime
from offers.lifecycle.state_machine import Actor, Role
from offers.models import Offer, OfferEvent
from tests.deploy.services import wait_until
from tests.factories import OfferFactory, ProductFactory, UserFactory
from tests.faults.proxy import Fault, Proxy
from tests.faults.redis_servers import RedisServer, reconnect, redirected

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault, pytest.mark.slow]

DEAD, ALIVE = 10, 4
MOST_REQUESTS = 200


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """The Redis of this process, which persists every write before it answers."""
    with (
        RedisServer(tmp_path / "redis", "--appendonly", "yes", "--appendfsync", "always") as server,
        redirected(server.port),
    ):
        yield server


def scene(product, buyers) -> list[int]:
    """Make expired and live offers, all of them in the index; return the ids of the expired ones."""
    now = database_now()
    ends = [now] * DEAD + [now + timedelta(hours=1)] * ALIVE
    offers = [
        OfferFactory(product=product, buyer=buyer, created_at=now - timedelta(days=1), expires_at=end)
        for buyer, end in zip(buyers, ends, strict=True)
    ]
    offer_deadlines.schedule_many(Deadline(offer.expires_at, offer.pk) for offer in offers)
    return [offer.pk for offer in offers[:DEAD]]


def index() -> set[int | None]:
    shards = range(offer_deadlines.shards)
    return {member.id for shard in shards for member in offer_deadlines.scan(shard, 0, 1000)[1]}


def check(dead: list[int]) -> None:
    assert set(Offer.objects.filter(status="expired").values_list("pk", flat=True)) == set(dead)
    assert OfferEvent.objects.filter(kind="expired").count() == len(dead)


def check_index() -> None:
    assert index() == set(Offer.objects.filter(status="active").values_list("pk", flat=True))


@pytest.mark.parametrize("fault", [Fault.NO_REPLY, Fault.CUT_BEFORE])
def test_a_job_whose_every_request_fails_once_expires_all_that_is_due_in_that_run(server, fault, monkeypatch) -> None:
    monkeypatch.setattr(sweep, "_BATCH", 4)
    product, buyers = ProductFactory(), UserFactory.create_batch(DEAD + ALIVE)
    failed = 0
    with Proxy(server.port) as proxy, redirected(proxy.port):
        for number in range(1, MOST_REQUESTS):
            OfferEvent.objects.all().delete()
            Offer.objects.all().delete()
            wait_until(lambda: not pool("state").breaker.is_open)
            reconnect()
            # Given expired offers in the index
            dead = scene(product, buyers)
            # When one request of the job fails, so that the breaker opens
            proxy.arm(number, fault)
            # Whether this counts as an error of the run depends on the request.
            process_expired_offers()
            # Then all of them are closed nevertheless
            check(dead)
            if not proxy.fired:
                # The job has no such request, so all of its requests were tried.
                break
            failed += 1
            # And the next run repairs the index
            wait_until(lambda: not pool("state").breaker.is_open)
            assert process_expired_offers()["errors"] == 0
            check(dead)
            check_index()
    check_index()
    assert failed > 5


def test_a_frozen_redis_costs_a_run_one_timeout_and_blocks_no_action(server) -> None:
    product, buyers = ProductFactory(), UserFactory.create_batch(DEAD + ALIVE)
    dead = scene(product, buyers)
    bidder, other = UserFactory(), ProductFactory()
    # Given a Redis that does not answer
    server.freeze()
    try:
        began = time.monotonic()
        # When the job runs, and users make, extend, decline and accept offers
        assert process_expired_offers()["errors"] == 1
        first, second, third, _ = Offer.objects.filter(status="active").order_by("pk")
        transitions.extend(first.pk, Actor(Role.BUYER, first.buyer), Lifetime(expires_in=7200))
        transitions.decline(second.pk, Actor(Role.SELLER, second.seller))
        made = make_offer(bidder, other.pk, Decimal(5), Lifetime())
        accept(made.pk, made.seller)
        late = make_offer(bidder, product.pk, Decimal(5), Lifetime())
        # Then everything succeeds without long waits
        assert time.monotonic() - began < 5
    finally:
        server.thaw()
    check(dead)
    assert Offer.objects.get(pk=made.pk).status == "accepted"
    # And the run after the outage makes the index match the table
    wait_until(lambda: not pool("state").breaker.is_open)
    assert {second.pk, *dead} <= index()
    assert late.pk not in index()
    process_expired_offers()
    check_index()
    assert active_offers.deadlines_of([first.pk])[first.pk] > third.expires_at


def test_an_index_restored_from_a_backup_is_repaired_by_one_run(server) -> None:
    product, buyers = ProductFactory(), UserFactory.create_batch(DEAD + ALIVE)
    dead = scene(product, buyers)
    wait_until(lambda: server.log_size() > 0)
    backup = server.copy("backup")
    # Given offers that expired, were extended or were made since the backup
    process_expired_offers()
    some = Offer.objects.filter(status="active").first()
    transitions.extend(some.pk, Actor(Role.BUYER, some.buyer), Lifetime(expires_in=7200))
    make_offer(UserFactory(), product.pk, Decimal(5), Lifetime())
    # When Redis is restored from it
    server.restore(backup)
    reconnect()
    assert set(dead) <= index()
    # Then one run repairs the index, and no event is recorded twice
    stats = process_expired_offers()
    assert (stats["database_updated"], stats["errors"]) == (0, 0)
    check(dead)
    check_index()

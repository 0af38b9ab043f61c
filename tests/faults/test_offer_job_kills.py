"""The expiry job under SIGKILL and run concurrently: no offer expires early or twice, and the next run repairs."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from datetime import datetime, timedelta

import pytest
from django.db import connection

from caching.deadlines import Deadline
from offers.clock import database_now
from offers.deadlines import active_offers, offer_deadlines
from offers.expiration import process_expired_offers
from offers.lifecycle import transitions
from offers.lifecycle.lifetime import Lifetime
from offers.lifecycle.state_machine import Actor, Role
from offers.models import Offer, OfferEvent
from tests.deploy.services import wait_until
from tests.factories import OfferFactory, ProductFactory, UserFactory
from tests.faults import offer_job

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault, pytest.mark.slow]

HOUR = timedelta(hours=1)
DEAD, ALIVE = 10, 4
_BUSY = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


@pytest.fixture
def process_env(process_env: dict[str, str]) -> dict[str, str]:
    """An environment with long timeouts, for a busy machine."""
    return process_env | {"REDIS_TIMEOUT_SECONDS": "10", "LOG_LEVEL": "CRITICAL"}


def make(product, buyers, end: datetime) -> list[Offer]:
    return [OfferFactory(product=product, buyer=buyer, created_at=end - 48 * HOUR, expires_at=end) for buyer in buyers]


def scene(product, buyers) -> tuple[list[Offer], list[Offer]]:
    """Make expired offers, some of them in the index, live ones with wrong deadlines in it, and orphaned members."""
    OfferEvent.objects.all().delete()
    Offer.objects.all().delete()
    now = database_now()
    dead, alive = make(product, buyers[:DEAD], now), make(product, buyers[DEAD:], now + HOUR)
    known = [*dead[: DEAD - 3], *alive[1:]]
    offer_deadlines.schedule_many(Deadline(offer.expires_at, offer.pk) for offer in known)
    offer_deadlines.put_missing(
        [Deadline(now - HOUR, alive[0].pk), Deadline(now - HOUR, 2**40), Deadline(now + HOUR, 2**41)]
    )
    return dead, alive


def index() -> dict[int | None, float]:
    shards = range(offer_deadlines.shards)
    return {member.id: member.score for shard in shards for member in offer_deadlines.scan(shard, 0, 1000)[1]}


def nobody_else_is_connected() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_BUSY)
        return cursor.fetchone() == (0,)


def check_never_early_or_twice(alive: list[Offer]) -> None:
    assert not Offer.objects.filter(pk__in=[offer.pk for offer in alive]).exclude(status="active").exists()
    recorded = Counter(OfferEvent.objects.filter(kind="expired").values_list("offer", flat=True))
    closed = Offer.objects.filter(status="expired")
    assert recorded == Counter(closed.values_list("pk", flat=True))
    assert all(offer.closed_at == offer.expires_at for offer in closed)


def check_all_is_done(dead: list[Offer], alive: list[Offer]) -> None:
    assert not Offer.objects.filter(pk__in=[offer.pk for offer in dead]).exclude(status="expired").exists()
    check_never_early_or_twice(alive)
    stored = active_offers.deadlines_of([offer.pk for offer in alive])
    assert set(index()) == set(stored)


def test_a_job_killed_at_any_step_is_completed_by_the_next_run(others) -> None:
    (process,) = others()
    product, buyers = ProductFactory(), UserFactory.create_batch(DEAD + ALIVE)
    died: Counter[str] = Counter()
    for moment in range(1, 1000):
        # Given expired offers and an index with every kind of error
        dead, alive = scene(product, buyers)

        # When the job dies at the next moment
        name, moments = process.call(offer_job.run_until, moment)

        # Then no offer expired early or twice, and the next run does the rest
        check_never_early_or_twice(alive)
        if not name:
            break
        died[name] += 1
        wait_until(nobody_else_is_connected)
        stats = process_expired_offers()
        assert (stats["errors"], stats["backlog"]) == (0, 0)
        check_all_is_done(dead, alive)
    # And the last run ended before it was killed, so that all moments were tried
    check_all_is_done(dead, alive)
    print(died)
    assert moments < moment == died.total() + 1 > 30


def test_jobs_at_once_without_any_lock_expire_each_offer_once(others) -> None:
    (process,) = others()
    product, buyers = ProductFactory(), UserFactory.create_batch(DEAD + ALIVE)
    for _ in range(5):
        dead, alive = scene(product, buyers)
        said = process.call(offer_job.run_together, 6)
        assert sum(stats["database_updated"] for stats in said) == DEAD
        process_expired_offers()
        check_all_is_done(dead, alive)


def test_an_extension_while_the_job_is_stopped_halfway_is_honoured(others) -> None:
    """The table may have changed while a process was stopped after it had read due offers."""
    product, buyers = ProductFactory(), UserFactory.create_batch(DEAD + ALIVE)
    (process,) = others()
    for seconds in (0.0, 0.002, 0.005, 0.01, 0.02, 0.04):
        dead, alive = scene(product, buyers)
        # Given a job that is stopped somewhere
        process.begin(offer_job.run_here)
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGSTOP)
        try:
            # When a live offer with a past deadline in the index is extended meanwhile
            offer = alive[0]
            extended = transitions.extend(offer.pk, Actor(Role.BUYER, offer.buyer), Lifetime(expires_in=7200))
        finally:
            os.kill(process.pid, signal.SIGCONT)
        process.answer()
        # Then it is active until its new end
        process_expired_offers()
        check_all_is_done(dead, alive)
        assert Offer.objects.get(pk=offer.pk).expires_at == extended.expires_at

"""View counts under SIGKILL: wherever a flusher dies, each accepted view is in one place, and the next flush applies
the rest."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from caching.models import CounterBucket
from products.cache import product_views
from products.models import Product, ProductViews
from products.view_counts import increment_view, sync_view_counts
from tests.caching.conftest import FakeClock
from tests.caching.other_process import OtherProcess
from tests.deploy.services import wait_until
from tests.factories import CounterSpillFactory, ProductFactory
from tests.faults import flusher
from tests.faults.audit import balance, settle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault, pytest.mark.slow]

# Ids of two shards, so that each flush has the same moments. The product GONE is deleted before it is flushed.
IDS = (4, 5, 8, 9, 12)
GONE = 13
KILLS = 300
_AGE = """
    UPDATE caching_counterbucket SET applied_at = '2020-01-01'
    WHERE id IN (SELECT id FROM caching_counterbucket WHERE retained FOR UPDATE SKIP LOCKED)
"""
_OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


@pytest.fixture
def process_env(process_env: dict[str, str]) -> dict[str, str]:
    """An environment with long timeouts, because after a timeout a view may or may not have been counted."""
    return process_env | {"REDIS_TIMEOUT_SECONDS": "10", "LOG_LEVEL": "CRITICAL"}


def age() -> None:
    """Make all retained buckets so old that they may be deleted; rows that are locked are skipped."""
    with connection.cursor() as cursor:
        cursor.execute(_AGE)


def products(ids: Any) -> list[Product]:
    """Create products with these ids."""
    first = ProductFactory(pk=ids[0])
    return [first, *[ProductFactory(pk=id, seller=first.seller, category=first.category) for id in ids[1:]]]


def view_all(clock: FakeClock) -> int:
    """Make views wait in two shards, in buckets of two hours, and in the spill; some are of a product that is gone.

    Buckets that were applied before become old. Return how many views were added.
    """
    some = Product.objects.get(pk=IDS[0])
    gone = ProductFactory(pk=GONE, seller=some.seller, category=some.category)
    amounts = {id: amount for amount, id in enumerate((*IDS, GONE), start=1)}
    accepted = 0
    for seconds in (product_views.bucket_seconds, 3600, 3600):
        for id, amount in amounts.items():
            assert increment_view(id) is not None
            assert product_views.increment(id, amount) is not None
            accepted += 1 + amount
        clock.advance(seconds)
    for id in (IDS[0], GONE):
        CounterSpillFactory(counter=id, amount=2)
        accepted += 2
    gone.delete()
    age()
    return accepted


def nobody_else_is_connected() -> bool:
    """Return whether PostgreSQL has ended the sessions of killed processes."""
    with connection.cursor() as cursor:
        cursor.execute(_OTHERS)
        return cursor.fetchone() == (0,)


def check_live_counts() -> None:
    """Assert that the live counts in Redis equal the totals; call it when nothing is pending."""
    live = product_views.live(IDS)
    assert live == dict(ProductViews.objects.filter(pk__in=live).values_list("pk", "views"))


def test_a_flusher_killed_at_any_step_loses_nothing_and_counts_nothing_twice(clock, monkeypatch, others):
    monkeypatch.setattr(product_views, "clock", clock)
    (process,) = others()
    products(IDS)
    accepted = view_all(clock)
    sync_view_counts()
    died: Counter[str] = Counter()
    for moment in range(1, 1000):
        # Given views that wait in buckets and in the spill
        accepted += view_all(clock)

        # When the flusher dies at the next moment
        name, moments = process.call(flusher.flush_until, moment, clock())
        if not name:
            break
        died[name] += 1

        # Then each view is in one place, and the next flush applies the rest; or the one after it, if PostgreSQL was
        # still working for the killed process
        balance(accepted)
        sync_view_counts()
        if balance(accepted).pending:
            wait_until(nobody_else_is_connected)
            sync_view_counts()
        settle(accepted)
        check_live_counts()
    # And the last flush ended before it was killed, so that all moments were tried
    settle(accepted)
    print(died)
    assert moments == moment - 1 == died.total() > 100
    # One transaction for the spill, and one for each of two hours in each of two shards.
    assert died["before COMMIT"] == died["while COMMIT runs"] == died["after COMMIT"] == 1 + 2 * 2


def test_flushers_killed_at_random_under_load_leave_an_exact_total(
    others: Callable[..., list[OtherProcess]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given processes that view products all the time
    seed, origin, stop = random.randrange(10**6), time.monotonic_ns(), tmp_path / "stop"
    print(f"seed {seed}")
    monkeypatch.setattr(product_views, "clock", flusher.FastClock(origin))
    ids = [product.pk for product in products(range(1, 41))]
    viewers, killers = others(2), others(2)
    for number, viewer in enumerate(viewers):
        viewer.begin(flusher.view_until, str(stop), ids, seed + number, origin)

    # When flushers are killed all the time, while views are spilled too and applied buckets age fast
    for number, killer in enumerate(killers):
        killer.begin(flusher.kill_at_random, KILLS // len(killers), seed + number, origin)
    failed = spilled = 0
    for killer in killers:
        while not killer.has_answered(0.05):
            CounterSpillFactory(counter=ids[0], amount=3)
            spilled += 3
            age()
        failed += killer.answer()
    stop.touch()
    accepted = spilled + sum(viewer.answer() for viewer in viewers)

    # Then each view is in one place, and a last flush applies the rest
    assert failed == 0
    waiting = balance(accepted).pending
    flusher.flush_the_rest()
    books = settle(accepted)
    print(
        f"{accepted} views, {waiting} of them for the last flush, in {CounterBucket.objects.count()} buckets: {books}"
    )
    # And the run had enough work
    assert accepted > 1_000
    assert CounterBucket.objects.filter(retained=False).count() > 20

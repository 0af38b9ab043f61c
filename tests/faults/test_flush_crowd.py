"""View counts with fifty flushers at once, without a lock, and with products deleted while they are flushed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pytest
from django.db import connection

from caching.counters.application import Applied
from caching.counters.flushing import flush
from caching.models import CounterSpill
from products.cache import product_views
from products.models import Product
from products.view_counts import apply_views
from tests.caching.conftest import FakeClock
from tests.deploy.services import wait_until
from tests.factories import CounterSpillFactory, ProductFactory
from tests.faults import flusher
from tests.faults.audit import balance, settle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault, pytest.mark.slow]

FLUSHERS = 50
_WAIT_FOR_ME = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"


@pytest.fixture
def process_env(process_env: dict[str, str]) -> dict[str, str]:
    """An environment with long timeouts, because after a timeout a view may or may not have been counted."""
    return process_env | {"REDIS_TIMEOUT_SECONDS": "10", "LOG_LEVEL": "CRITICAL"}


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> int:
    """The origin of the fast clock that all processes share."""
    origin = time.monotonic_ns()
    monkeypatch.setattr(product_views, "clock", flusher.FastClock(origin))
    return origin


def create(ids: Sequence[int]) -> list[int]:
    """Create products with these ids."""
    first = ProductFactory(pk=ids[0])
    for id in ids[1:]:
        ProductFactory(pk=id, seller=first.seller, category=first.category)
    return list(ids)


def somebody_waits_for_me() -> bool:
    """Return whether a session waits for what this one has locked."""
    with connection.cursor() as cursor:
        cursor.execute(_WAIT_FOR_ME)
        return cursor.fetchone() != (0,)


def test_fifty_flushers_at_once_without_any_lock_count_exactly(fast: int, others: Callable, tmp_path: Path) -> None:
    # Given views in the spill, and a process that views products all the time
    ids, stop = create(range(1, 41)), tmp_path / "stop"
    viewer, crowd = others(2)
    viewer.begin(flusher.view_until, str(stop), ids, 1, fast)
    CounterSpill.objects.bulk_create(CounterSpillFactory.build(counter=id, amount=id) for id in ids * 5)

    # When fifty flushers start together
    time.sleep(0.5)
    applied = crowd.call(flusher.flush_together, FLUSHERS, fast)
    stop.touch()
    accepted = viewer.answer() + 5 * sum(ids)

    # Then what they report as applied is in the totals, once
    assert sum(applied) == balance(accepted).applied > 0
    flusher.flush_the_rest()
    settle(accepted)
    # And several of them had something to apply
    print(f"{accepted} views, applied by {[part for part in applied if part]}")
    assert sum(part > 0 for part in applied) > 1


def test_views_of_a_product_deleted_between_the_read_and_the_update_are_orphaned(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch, others: Callable
) -> None:
    # Given views of two products of one shard
    monkeypatch.setattr(product_views, "clock", clock)
    (deleter,) = others()
    create([4, 8])
    product_views.seed({4: 0, 8: 0}, ())
    product_views.increment_many({4: 3, 8: 5})
    clock.advance(product_views.bucket_seconds)

    # When one is deleted after the flush has read its views
    def apply(hour: datetime, views: Mapping[int, int]) -> Applied:
        assert deleter.call(flusher.delete, [4]) == (0, 0)
        return apply_views(hour, views)

    flush(product_views, apply)

    # Then its views are orphaned, and those of the other are not
    assert settle(8).orphaned == 3


def test_a_deletion_waits_for_a_flush_that_has_counted_the_product(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch, others: Callable
) -> None:
    # Given views of two products of one shard
    monkeypatch.setattr(product_views, "clock", clock)
    (deleter,) = others()
    create([4, 8])
    product_views.seed({4: 0, 8: 0}, ())
    product_views.increment_many({4: 3, 8: 5})
    clock.advance(product_views.bucket_seconds)

    # When a deletion of one begins before the flush commits
    def apply(hour: datetime, views: Mapping[int, int]) -> Applied:
        applied = apply_views(hour, views)
        deleter.begin(flusher.delete, [4])
        wait_until(somebody_waits_for_me)
        return applied

    flush(product_views, apply)

    # Then it is deleted after the commit, with its views
    assert deleter.answer() == (3, 0)
    assert not Product.objects.filter(pk=4).exists()
    assert settle(8, deleted=3).orphaned == 0


def test_products_deleted_while_they_are_viewed_and_flushed_leave_an_exact_total(
    fast: int, others: Callable, tmp_path: Path
) -> None:
    # Given products that are viewed all the time
    ids, stop = create(range(1, 151)), tmp_path / "stop"
    viewer, deleter, *flushers = others(4)
    viewer.begin(flusher.view_until, str(stop), ids, 1, fast)
    flusher.flush_the_rest()

    # When they are deleted one by one, while others flush
    deleter.begin(flusher.delete, random.Random(1).sample(ids, len(ids)))
    errors: set[str] = set()
    while Product.objects.exists():
        for each in flushers:
            each.begin(flusher.flush_once, product_views.clock())
        errors |= {each.answer() for each in flushers}
    deleted, repeated = deleter.answer()
    stop.touch()
    accepted = viewer.answer()

    # Then applied views were deleted with their products, and the others are orphaned
    balance(accepted, deleted=deleted)
    flusher.flush_the_rest()
    books = settle(accepted, deleted=deleted)
    print(f"{accepted} views: {deleted} deleted, {books}, {errors}, {repeated} deletions repeated")
    assert books.applied == 0
    assert min(deleted, books.orphaned) > 0
    # And there was no error, because a deletion locks the product first, as the flush does
    assert errors == {""}

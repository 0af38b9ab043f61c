"""View counts when the clock of Redis steps: back, an hour ahead and back again, or back after a restore."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from caching import metrics
from caching.models import CounterBucket
from caching.readthrough.fetch import fetch
from caching.redis.connections import client
from products.cache import product_views, products
from products.models import ProductViews, ProductViewsHour
from products.view_counts import increment_view, sync_view_counts
from tests.caching.conftest import FakeClock
from tests.factories import ProductFactory
from tests.faults.audit import balance, settle
from tests.faults.redis_servers import RedisServer, reconnect, redirected

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault, pytest.mark.slow]


@pytest.fixture
def ids() -> list[int]:
    """Products of every shard."""
    first = ProductFactory()
    return [first.pk, *[ProductFactory(seller=first.seller, category=first.category).pk for _ in range(5)]]


@pytest.fixture
def redis_clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """The clock of Redis, right at first. PostgreSQL keeps its own."""
    clock = FakeClock(time.time_ns() // 1_000_000)
    monkeypatch.setattr(product_views, "_now", clock)
    return clock


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """The Redis of this process."""
    with (
        RedisServer(tmp_path / "redis", "--appendonly", "yes", "--appendfsync", "always") as server,
        redirected(server.port),
    ):
        yield server


def view(ids: list[int], times: int = 1) -> int:
    """View each product some times; return how many views that is."""
    for _ in range(times):
        for id in ids:
            increment_view(id)
    return times * len(ids)


def live_counts(ids: list[int]) -> dict[int, int]:
    """Return the counts that readers see."""
    return {id: fetch(products, id).live for id in ids}


def totals(ids: list[int]) -> dict[int, int]:
    return dict(ProductViews.objects.filter(product__in=ids).values_list("product_id", "views"))


@pytest.mark.parametrize("seed", range(4))
def test_a_clock_that_steps_back_and_forth_costs_no_view_and_doubles_none(ids, redis_clock, seed):
    steps = random.Random(seed)
    accepted = 0
    for _ in range(80):
        accepted += view(steps.sample(ids, steps.randint(1, 3)))
        redis_clock.advance(steps.choice([-3600, -60, -5, -0.4, 0.4, 5, 5, 60, 3600]))
        if steps.random() < 0.4:
            sync_view_counts()
            balance(accepted)

    assert sum(live_counts(ids).values()) == accepted
    for _ in range(2):
        redis_clock.advance(5)
        sync_view_counts()
    settle(accepted)
    assert live_counts(ids) == totals(ids)


@pytest.mark.parametrize("seconds", [60, 3600])
def test_after_a_clock_ahead_views_are_flushed_at_once_and_their_hour_is_not_yet_to_come(ids, redis_clock, seconds):
    # Given views counted by the right clock and by one ahead, before and after a flush
    accepted = view(ids)
    redis_clock.advance(seconds)
    accepted += view(ids, 2)
    redis_clock.advance(5)
    sync_view_counts()
    settle(accepted)
    accepted += view(ids, 2)

    # When the clock is right again
    redis_clock.advance(-seconds)
    stats = sync_view_counts()

    # Then a flush applies them without waiting for that time to come
    assert stats["backlog_seconds"] == 0
    settle(accepted)
    for _ in range(3):
        accepted += view(ids)
        redis_clock.advance(5)
        sync_view_counts()
        settle(accepted)
    assert live_counts(ids) == totals(ids)
    assert not ProductViewsHour.objects.filter(hour__gt=timezone.now()).exists()


def test_a_restore_with_a_clock_that_steps_back_counts_nothing_twice_and_says_what_it_cost(server, ids, redis_clock):
    # Given a copy of the server's disk, and views since that were flushed
    accepted = view(ids, 3)
    before = server.copy("before")
    redis_clock.advance(5)
    accepted += view(ids, 2)
    redis_clock.advance(5)
    sync_view_counts()
    settle(accepted)

    # When the server starts with that copy, at a time for which the ledger already has a bucket
    server.restore(before)
    reconnect()
    redis_clock.advance(-5)
    lost = view(ids, 4)
    forgotten = metrics.MEMORY_LOST.labels(product_views.name)._value.get()
    sync_view_counts()

    # Then views before the first flush are in no total, and all later ones are
    assert metrics.MEMORY_LOST.labels(product_views.name)._value.get() == forgotten + 1
    settle(accepted)
    assert live_counts(ids) == totals(ids)
    for _ in range(3):
        accepted += view(ids)
        balance(accepted)
        redis_clock.advance(5)
        sync_view_counts()
    redis_clock.advance(5)
    sync_view_counts()
    settle(accepted)

    # And the second look finds the lost ones and keeps them for a person
    CounterBucket.objects.update(applied_at="2020-01-01T00:00Z")
    assert sync_view_counts()["changed"] == product_views.shards
    surplus = CounterBucket.objects.filter(surplus__isnull=False).values_list("surplus", flat=True)
    assert sum(surplus) == lost - 2 * len(ids)
    state = client("state")
    assert sum(sum(map(int, state.hvals(name))) for name in state.scan_iter("mp:n:*:aside:*")) == lost
    settle(accepted)
    assert live_counts(ids) == totals(ids)

"""Cache and state on two servers, while one is away: the other still does its part."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from caching.counters.family import CounterFamily
from caching.models import CounterSpill
from caching.readthrough.batch import fetch_many
from caching.readthrough.fetch import State, fetch
from caching.readthrough.loader import Load
from caching.redis.connection_pool import Pool
from tests.deploy.services import free_port

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def family() -> CounterFamily:
    return CounterFamily("clicks", shards=2, bucket_seconds=5)


@pytest.fixture
def split(monkeypatch, things, family) -> None:
    """Both roles use the test's server, but in two round trips, as if it were two servers."""
    monkeypatch.setattr("caching.redis.round_trip.one_server", lambda: False)
    things.loader = lambda ids: Load(dict.fromkeys(ids, b"{}"), dict.fromkeys(ids, 10))
    things.family = family


@pytest.fixture
def away(reroute) -> Callable[[str], Pool]:
    """Return a function that takes the server of a role away: its pool connects to a port without a listener."""
    return lambda role: reroute(free_port(), role)


def test_with_both_servers_a_read_counts_and_a_batch_returns_the_counts(split, things):
    assert fetch(things, 1, 1) == (b"{}", State.MISS, 11)
    assert fetch(things, 1, 1) == (b"{}", State.HIT, 12)
    assert fetch_many(things, [1, 2]).live == {1: 12, 2: 10}


def test_without_the_cache_views_are_still_counted(split, things, away):
    fetch(things, 1, 1)
    away("cache")
    assert fetch(things, 1, 1) == (b"{}", State.MISS, 12)
    assert fetch_many(things, [1]).live == {1: 12}


def test_without_the_state_postgresql_accepts_the_view_and_totals_are_answered(split, things, away):
    fetch(things, 1, 1)
    away("state")
    assert fetch(things, 1, 1) == (b"{}", State.MISS, 11)
    assert list(CounterSpill.objects.values_list("family", "counter", "amount")) == [("clicks", 1, 1)]
    assert fetch_many(things, [1, 2]).live == {1: 10, 2: 10}


def test_each_server_has_a_breaker_of_its_own(split, things, away):
    fetch(things, 1, 1)
    pool = away("state")
    for _ in range(5):
        fetch(things, 1, 1)
    assert pool.breaker.is_open
    things.family = None
    assert fetch(things, 1).state is State.HIT

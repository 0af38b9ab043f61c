"""Cache and state on two servers, one of which is away: each does without the other what it can."""

from __future__ import annotations

import pytest
from django_redis import get_redis_connection

from caching import connections
from caching.batch import fetch_many
from caching.connections import client
from caching.counters import CounterFamily
from caching.fetch import State, fetch
from caching.source import Load

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def family() -> CounterFamily:
    return CounterFamily("clicks", shards=2, bucket_seconds=5)


@pytest.fixture
def split(monkeypatch, things) -> None:
    """Both roles still use the test's server, but as if they were two."""
    monkeypatch.setattr("caching.round_trip.one_server", lambda: False)
    things.loader = lambda ids: Load(dict.fromkeys(ids, b"{}"), dict.fromkeys(ids, 10))
    return


@pytest.fixture
def away(monkeypatch):
    """Return a function that takes the server of a role away: its pool connects to a port where nobody listens."""

    def take(role: str) -> None:
        pool = get_redis_connection("state").connection_pool
        dead = type(client("state"))(
            connection_pool=type(pool)(**{**pool.connection_kwargs, "host": "127.0.0.1", "port": 1})
        )
        real = connections.client
        replacement = lambda wanted: dead if wanted == role else real(wanted)  # noqa: E731
        for module in ("caching.round_trip", "caching.counters"):
            monkeypatch.setattr(f"{module}.client", replacement)

    return take


def test_both_there_a_read_counts_and_a_batch_brings_the_counts(split, things, family):
    assert fetch(things, 1, family, 1) == (b"{}", State.MISS, 11)
    assert fetch(things, 1, family, 1) == (b"{}", State.HIT, 12)
    assert fetch_many(things, [1, 2], family).counts == {1: 12, 2: 10}


def test_without_the_cache_views_are_counted_all_the_same(split, things, family, away):
    fetch(things, 1, family, 1)
    away("cache")
    assert fetch(things, 1, family, 1) == (b"{}", State.MISS, 12)
    assert fetch_many(things, [1], family).counts == {1: 12}


def test_without_the_state_a_view_is_refused_and_totals_are_answered(split, things, family, away):
    fetch(things, 1, family, 1)
    away("state")
    assert fetch(things, 1, family, 1) == (b"{}", State.MISS, 10)
    assert fetch_many(things, [1, 2], family).counts == {1: 10, 2: 10}

from __future__ import annotations

import pytest
from django.core.cache import cache, caches

from caching.redis.connections import pool


@pytest.fixture
def foreign(redis_state) -> set[bytes]:
    """Keys that are not those of Django's cache: each kind of the layer's, a queue, and similar ones of others."""
    names = {
        "mp:q:celery",
        "mp:c:{product:1}",
        "mp:l:{product:1}",
        "mp:g:product",
        "mp:n:{product_views:0}:sealed",
        "mp:d:{offers:0}:index",
        "mp:z:mine",
        "mp:t:login:ip:1",
        "djinn:1:a",
        "xmp:dj:1:a",
    }
    redis_state.mset(dict.fromkeys(names, 1))
    return {name.encode() for name in names}


def test_values_come_back_and_nothing_is_pickled(redis_state):
    cache.set("a", {"list": [1, "x", None], "text": "y" * 5000})
    assert cache.get("a") == {"list": [1, "x", None], "text": "y" * 5000}
    assert all(redis_state.get(name)[:1] != b"\x80" for name in redis_state.scan_iter("mp:dj:*"))


def test_clear_leaves_queues_counters_deadlines_entries_and_generations_alone(redis_state, foreign):
    cache.set("a", 1)
    cache.set("a", 1, version=7)
    assert cache.clear() is True
    assert set(redis_state.keys()) == foreign


def test_a_glob_in_the_prefix_clears_only_keys_with_that_very_prefix(redis_state, foreign, monkeypatch):
    monkeypatch.setattr(caches["default"], "key_prefix", "*[a-z]?")
    cache.set("a", 1)
    cache.clear()
    assert set(redis_state.keys()) == foreign


def test_clear_deletes_in_batches(redis_state, redis_commands):
    redis_state.mset({f"mp:dj:1:{number}": 1 for number in range(5000)})
    with redis_commands() as trips:
        cache.clear()
    assert redis_state.dbsize() == 0
    assert {name for trip in trips for name in trip} <= {"SCAN", "UNLINK"}
    assert all(len(trip) == 1 for trip in trips)
    assert len(trips) >= 10


def test_without_redis_clear_fails_quietly(monkeypatch):
    monkeypatch.setattr(pool("cache").breaker, "is_open", True)
    assert cache.clear() is False

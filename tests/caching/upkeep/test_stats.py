"""What Redis reports about itself: one server or two, and the hit rate since it started."""

from __future__ import annotations

import pytest
import redis

from caching.redis.connections import pool
from caching.redis.errors import REDIS_ERRORS
from caching.upkeep.stats import redis_stats


def test_one_server_is_described_once(own_redis, settings):
    # given a server with two keys, which has answered three hits and one miss
    _, port = own_redis
    settings.CACHING = {"URL": f"redis://127.0.0.1:{port}/0"}
    with redis.Redis(port=port) as server:
        server.mset({"known": 1, "other": 2})
        for name in ("known", "known", "other", "unknown"):
            server.get(name)
        version = server.info("server")["redis_version"]

    # when
    found = redis_stats()

    # then
    assert (found["hits"], found["misses"], found["hit_rate"]) == (3, 1, 0.75)
    assert (found["total_keys"], found["redis_version"]) == (2, version)
    assert 0 < found["memory_used_mb"] <= found["memory_peak_mb"]
    # No limit is None, not 0.
    assert found["memory_limit_mb"] is None
    assert "state" not in found


def test_a_server_of_the_state_is_described_beside_the_one_of_the_cache(own_redis, settings):
    _, port = own_redis
    settings.CACHING = {"URL": f"redis://127.0.0.1:{port}/0", "STATE_URL": settings.CACHING["URL"]}

    found = redis_stats()

    assert found["hit_rate"] is None  # the cache has answered no read yet
    assert found["state"].keys() == found.keys() - {"state"}


def test_without_redis_it_raises(monkeypatch):
    monkeypatch.setattr(pool("cache").breaker, "is_open", True)
    with pytest.raises(REDIS_ERRORS):
        redis_stats()

from __future__ import annotations

from django.core.cache import cache


def test_values_come_back_and_nothing_is_pickled(redis_state):
    cache.set("a", {"list": [1, "x", None], "text": "y" * 5000})
    assert cache.get("a") == {"list": [1, "x", None], "text": "y" * 5000}
    assert all(redis_state.get(name)[:1] != b"\x80" for name in redis_state.scan_iter("dj:*"))


def test_clear_leaves_queues_counters_and_entries_alone(redis_state):
    cache.set("a", 1)
    for name in ("mp:q:celery", "mp:n:{product_views:0}:sealed", "mp:c:{product:1}"):
        redis_state.set(name, 1)
    cache.clear()
    assert cache.get("a") is None
    assert len(list(redis_state.scan_iter("mp:*"))) == 3

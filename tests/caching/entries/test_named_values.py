from __future__ import annotations

from caching.entries.named_values import get_compressed, set_compressed
from caching.redis.connections import client

FEED = [{"id": number, "title": "a feed item with a title", "price": "9.99"} for number in range(200)]


def test_a_large_value_takes_a_fifth_of_its_size_and_comes_back_whole():
    set_compressed("feed", FEED, ttl=60)
    assert client("cache").strlen("mp:z:feed") < 0.2 * len(str(FEED))
    assert get_compressed("feed") == FEED
    assert 0 < client("cache").ttl("mp:z:feed") <= 60


def test_below_the_threshold_nothing_is_packed():
    set_compressed("small", "aaaa" * 200, ttl=60, threshold=10_000)
    assert client("cache").strlen("mp:z:small") > 800
    assert get_compressed("small") == "aaaa" * 200


def test_a_missing_or_damaged_value_is_the_default():
    client("cache").set("mp:z:bad", b"garbage", ex=60)
    assert get_compressed("nothing", default="none") == "none"
    assert get_compressed("bad", default="none") == "none"

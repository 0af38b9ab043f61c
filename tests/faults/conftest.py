"""The failing servers and the other processes of the cache's own tests."""

from __future__ import annotations

from tests.caching.conftest import clock, others, own_redis, proxy, reroute, things, truth

__all__ = ["clock", "others", "own_redis", "proxy", "reroute", "things", "truth"]

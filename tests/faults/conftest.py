"""The fixtures of the cache's own tests for failing servers and other processes."""

from __future__ import annotations

from tests.caching.conftest import clock, others, own_redis, proxy, reroute, things, truth

__all__ = ["clock", "others", "own_redis", "proxy", "reroute", "things", "truth"]

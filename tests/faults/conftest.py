"""The failing servers and the other processes of the cache's own tests, and the offers' time for repairs."""

from __future__ import annotations

from tests.caching.conftest import clock, others, own_redis, proxy, reroute, things, truth
from tests.offers.conftest import whole_repairs

__all__ = ["clock", "others", "own_redis", "proxy", "reroute", "things", "truth", "whole_repairs"]

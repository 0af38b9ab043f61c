"""The fixtures of other tests for failing servers and other processes, and for whole repairs of the offers' index."""

from __future__ import annotations

from tests.caching.conftest import clock, others, own_redis, proxy, reroute, things, truth
from tests.offers.conftest import whole_repairs

__all__ = ["clock", "others", "own_redis", "proxy", "reroute", "things", "truth", "whole_repairs"]

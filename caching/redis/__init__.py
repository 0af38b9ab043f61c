"""Access to Redis: clients and pools, the circuit breaker, round trips, SCAN and the Lua scripts."""

from __future__ import annotations

from caching.keys import prefix as key_prefix
from caching.redis.connections import Role, client, one_server, pool
from caching.redis.errors import REDIS_ERRORS, BreakerOpen, NotSent, may_have_run
from caching.redis.scan import Walk, literal

__all__ = [
    "REDIS_ERRORS",
    "BreakerOpen",
    "NotSent",
    "Role",
    "Walk",
    "client",
    "key_prefix",
    "literal",
    "may_have_run",
    "one_server",
    "pool",
]

"""Redis: one URL a role, which may all name one server, and Django's `default` cache on the cache role."""

from __future__ import annotations

from caching.redis.connections import cache_settings
from marketplace.settings.env import env, required

REDIS_URL: str = required("REDIS_URL", "redis://:password@host:6379/0")
REDIS_CACHE_URL: str = env.str("REDIS_CACHE_URL", default=REDIS_URL)
REDIS_STATE_URL: str = env.str("REDIS_STATE_URL", default=REDIS_URL)

# Reads fall back to PostgreSQL after this long, so it bounds what a frozen Redis costs a request.
REDIS_TIMEOUT_SECONDS: float = env.float("REDIS_TIMEOUT_SECONDS", default=0.25)
REDIS_MAX_CONNECTIONS: int = env.int("REDIS_MAX_CONNECTIONS", default=64)

# The first part of every key of this deployment, so that two of them can share a Redis.
CACHING_KEY_PREFIX: str = env.str("CACHING_KEY_PREFIX", default="mp")

CACHES = {
    "default": cache_settings(REDIS_CACHE_URL, REDIS_TIMEOUT_SECONDS, REDIS_MAX_CONNECTIONS, CACHING_KEY_PREFIX),
    "state": cache_settings(REDIS_STATE_URL, REDIS_TIMEOUT_SECONDS, REDIS_MAX_CONNECTIONS, CACHING_KEY_PREFIX),
}

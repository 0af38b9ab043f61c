"""Redis: one URL a role, which may all name one server, and Django's `default` cache on the cache role."""

from __future__ import annotations

from marketplace.settings.env import env, required

REDIS_URL: str = required("REDIS_URL", "redis://:password@host:6379/0")
REDIS_CACHE_URL: str = env.str("REDIS_CACHE_URL", default=REDIS_URL)
REDIS_STATE_URL: str = env.str("REDIS_STATE_URL", default=REDIS_URL)

CACHING = {
    "URL": REDIS_CACHE_URL,
    "STATE_URL": REDIS_STATE_URL,
    "NAME": "marketplace",
    # The first part of every key of this deployment, so that two of them can share a Redis.
    "KEY_PREFIX": env.str("CACHING_KEY_PREFIX", default="mp"),
    # Reads fall back to PostgreSQL after this long, so it bounds what a frozen Redis costs a request.
    "TIMEOUT_SECONDS": env.float("REDIS_TIMEOUT_SECONDS", default=0.25),
    "MAX_CONNECTIONS": env.int("REDIS_MAX_CONNECTIONS", default=64),
    # Rows that PostgreSQL takes while Redis is away: up to eight a product and hour.
    "SPILL_ROWS": env.int("COUNTER_SPILL_ROWS", default=1_000_000),
    # A backlog that is older or larger than this is an alarm.
    "ALARM_SECONDS": env.int("COUNTER_ALARM_SECONDS", default=60),
    "ALARM_MB": env.int("COUNTER_ALARM_MB", default=256),
    "LEDGER_DAYS": env.int("LEDGER_RETENTION_DAYS", default=7),
    "JOB_RUN_DAYS": env.int("JOB_RUN_RETENTION_DAYS", default=14),
}

CACHES = {
    "default": {
        "BACKEND": "caching.django_cache.Cache",
        "LOCATION": REDIS_CACHE_URL,
        "KEY_PREFIX": f"{CACHING['KEY_PREFIX']}:dj",
    },
}

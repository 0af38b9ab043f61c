"""Redis: one URL a role, which may all name one server, and Django's `default` cache on the cache role."""

from __future__ import annotations

from marketplace.settings.env import env, number, required

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
    "TIMEOUT_SECONDS": number("REDIS_TIMEOUT_SECONDS", 0.25, least=0.001),
    "MAX_CONNECTIONS": number("REDIS_MAX_CONNECTIONS", 64, least=1),
    # The limit of rows in the spill, which takes views while Redis is away: up to eight rows a product and hour.
    "SPILL_ROWS": number("COUNTER_SPILL_ROWS", 1_000_000, least=0),
    # A backlog that is older or larger than this is an alarm.
    "ALARM_SECONDS": number("COUNTER_ALARM_SECONDS", 60, least=0),
    "ALARM_MB": number("COUNTER_ALARM_MB", 256, least=0),
    "LEDGER_DAYS": number("LEDGER_RETENTION_DAYS", 7, least=0),
    "JOB_RUN_DAYS": number("JOB_RUN_RETENTION_DAYS", 14, least=0),
}

CACHES = {
    "default": {
        "BACKEND": "caching.django_cache.Cache",
        "LOCATION": REDIS_CACHE_URL,
        "KEY_PREFIX": f"{CACHING['KEY_PREFIX']}:dj",
    },
}

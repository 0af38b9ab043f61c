"""The project's own settings, plus the routes of the peers and the cache of the conventional one."""

from __future__ import annotations

from redis.backoff import NoBackoff
from redis.retry import Retry

from marketplace.settings import *  # noqa: F403
from marketplace.settings import CACHES, CACHING

ROOT_URLCONF = "benchmarks.peers.urls"

# As ours connects.
_connections = {
    "socket_timeout": CACHING["TIMEOUT_SECONDS"],
    "socket_connect_timeout": CACHING["TIMEOUT_SECONDS"],
    "max_connections": CACHING["MAX_CONNECTIONS"],
    "retry": Retry(NoBackoff(), 0),
    "socket_keepalive": True,
}
CACHES = {
    **CACHES,
    # The defaults of django-redis: pickle, no compression.
    "conventional": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": CACHING["URL"],
        "KEY_PREFIX": f"{CACHING['KEY_PREFIX']}:conventional",
        "OPTIONS": {"CLIENT_CLASS": "django_redis.client.DefaultClient", "CONNECTION_POOL_KWARGS": _connections},
    },
}

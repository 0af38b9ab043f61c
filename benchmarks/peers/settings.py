"""The project's own settings, plus the routes of the peers and the cache of the conventional one."""

from __future__ import annotations

from marketplace.settings import *  # noqa: F403
from marketplace.settings import CACHES, CACHING_KEY_PREFIX

ROOT_URLCONF = "benchmarks.peers.urls"

_ours = CACHES["default"]
_connections = _ours["OPTIONS"]["CONNECTION_POOL_KWARGS"]
CACHES = {
    **CACHES,
    # The defaults of django-redis: pickle, no compression.
    "conventional": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": _ours["LOCATION"],
        "KEY_PREFIX": f"{CACHING_KEY_PREFIX}:conventional",
        "OPTIONS": {"CLIENT_CLASS": "django_redis.client.DefaultClient", "CONNECTION_POOL_KWARGS": _connections},
    },
}

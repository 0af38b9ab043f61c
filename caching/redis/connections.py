"""Redis clients by role: the one file where a client's timeouts, retries and pool are decided.

`cache` holds what can be computed again, `state` what cannot (counters, deadlines, queues). Both may name one
server. Clients come from django-redis' pools, so Django's cache and this layer see Redis in the same way.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

if TYPE_CHECKING:
    from caching.redis.pool import Pool

Role = Literal["cache", "state"]
_ALIAS: dict[Role, str] = {"cache": "default", "state": "state"}


def cache_settings(url: str, timeout: float, max_connections: int, key_prefix: str) -> dict[str, Any]:
    """Return the entry of Django's CACHES for one Redis URL; `timeout` is in seconds.

    Nothing is retried: a lost reply to an increment is unknown, not a failure, and a read has PostgreSQL to
    fall back on.
    """
    return {
        "BACKEND": "caching.django_cache.Cache",
        "LOCATION": url,
        "KEY_PREFIX": f"{key_prefix}:dj",
        "OPTIONS": {
            "CLIENT_CLASS": "django_redis.client.DefaultClient",
            "SERIALIZER": "caching.django_cache.Serializer",
            "COMPRESSOR": "caching.django_cache.Compressor",
            "CONNECTION_POOL_CLASS": "caching.redis.pool.Pool",
            "IGNORE_EXCEPTIONS": True,
            "CONNECTION_POOL_KWARGS": {
                "socket_timeout": timeout,
                "socket_connect_timeout": timeout,
                "max_connections": max_connections,
                "retry": Retry(NoBackoff(), 0),
                "socket_keepalive": True,
            },
        },
    }


# redis-py types every reply as the union of what any server and decoding could answer, so a caller states what
# its own command answers.
Client = Any


def client(role: Role) -> Client:
    """Return the client of a role (a redis.Redis); it is shared, thread-safe and speaks bytes."""
    from django_redis import get_redis_connection

    return get_redis_connection(_ALIAS[role])


@cache
def pool(role: Role) -> Pool:
    """Return the pool behind the client of a role, for calls that must be lean."""
    found: Pool = client(role).connection_pool
    return found


@cache
def one_server() -> bool:
    """Return whether both roles are one server, so that one round trip can serve both."""
    caches = settings.CACHES
    return bool(caches[_ALIAS["cache"]]["LOCATION"] == caches[_ALIAS["state"]]["LOCATION"])

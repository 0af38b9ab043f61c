"""Redis clients by role: the one file where a client's timeouts, retries and pool are decided.

`cache` holds what can be computed again, `state` what cannot (counters, deadlines, queues). Both may name one server,
and then share a pool. Django's `default` cache uses the same pools (`caching.django_cache`), and so the same breakers.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

import redis
from django.core.signals import setting_changed
from redis.backoff import NoBackoff
from redis.retry import Retry

from caching.conf import SETTING, conf
from caching.redis.connection_pool import Pool

Role = Literal["cache", "state"]

# redis-py types every reply as a union over all servers and decodings, so each caller annotates the reply of its own
# command.
Client = Any


@cache
def pool_at(url: str) -> Pool:
    """Return the pool of a URL.

    Nothing is retried: an increment whose reply was lost may have been counted, and a read can fall back to PostgreSQL.
    """
    options = conf()
    found: Pool = Pool.from_url(
        url,
        socket_timeout=options.timeout_seconds,
        socket_connect_timeout=options.timeout_seconds,
        max_connections=options.max_connections,
        retry=Retry(NoBackoff(), 0),
        socket_keepalive=True,
    )
    return found


@cache
def pool(role: Role) -> Pool:
    """Return the pool of a role, for calls that bypass redis-py's client."""
    return pool_at(conf().url_of(role))


@cache
def client(role: Role) -> Client:
    """Return the client of a role (a redis.Redis); it is shared, thread-safe and speaks bytes."""
    return redis.Redis(connection_pool=pool(role))


@cache
def one_server() -> bool:
    """Return whether both roles are one server, so that one round trip can serve both."""
    return conf().url_of("cache") == conf().url_of("state")


def _forget_roles(*, setting: str, **_: Any) -> None:
    if setting == SETTING:
        for remembered in (pool, client, one_server):
            remembered.cache_clear()


setting_changed.connect(_forget_roles, dispatch_uid="caching.redis.connections")

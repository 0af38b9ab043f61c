"""redis-py with its own pool, which reads the same bytes that ours has stored."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import redis
import redis.asyncio

from caching import Id
from caching.keys import KeySpace
from caching.redis import pool

_PRODUCTS = KeySpace("product")


def client() -> redis.Redis:
    """Return a client with the server, timeouts and retries of ours, and with redis-py's own pool."""
    ours = pool("cache")
    return redis.Redis(connection_pool=redis.ConnectionPool(ours.connection_class, **ours.connection_kwargs))


def async_client() -> Any:
    """Return the same for code on an event loop."""
    known = ("host", "port", "path", "db", "username", "password", "socket_timeout", "socket_connect_timeout")
    ours = pool("cache").connection_kwargs
    return redis.asyncio.Redis(connection_pool=_async_pool({name: ours[name] for name in known if name in ours}))


def keys(ids: Iterable[Id]) -> list[str]:
    """Return the keys of products' entries."""
    return [_PRODUCTS.entry(id) for id in ids]


def _async_pool(options: dict[str, Any]) -> Any:
    path = options.pop("path", None)
    if path is None:
        return redis.asyncio.ConnectionPool(**options)
    return redis.asyncio.ConnectionPool(redis.asyncio.UnixDomainSocketConnection, path=path, **options)

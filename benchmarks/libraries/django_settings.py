"""Configures Django for a peer: one database, one cache, and only the peer's apps."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from benchmarks.libraries.peer import Place


def configure(place: Place, cache: dict[str, Any], apps: tuple[str, ...] = (), **more: Any) -> None:
    """Set Django up in this process."""
    import django
    from django.conf import settings

    settings.configure(
        DATABASES={"default": _database(place.database_url)},
        CACHES={"default": cache},
        INSTALLED_APPS=apps,
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        **more,
    )
    django.setup()


def redis_cache(place: Place) -> dict[str, Any]:
    """Return Django's own Redis cache, whose options go to the connection pool."""
    timeouts = {"socket_timeout": place.timeout, "socket_connect_timeout": place.timeout}
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": place.redis_url,
        "OPTIONS": timeouts,
    }


def django_redis_cache(place: Place) -> dict[str, Any]:
    """Return django-redis as its README configures it, set to go on without Redis."""
    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": place.redis_url,
        "OPTIONS": {
            "CLIENT_CLASS": "django_redis.client.DefaultClient",
            "SOCKET_CONNECT_TIMEOUT": place.timeout,
            "SOCKET_TIMEOUT": place.timeout,
            "IGNORE_EXCEPTIONS": True,
        },
    }


def _database(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
    }

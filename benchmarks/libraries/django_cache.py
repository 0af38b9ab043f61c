"""Django's own Redis cache and django-redis: `get_or_set`, `get_many`, `delete`, `clear`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.libraries import django_settings
from benchmarks.libraries.peer import CLEAR, Peer

_TTL = 3600


class DjangoCache(Peer):
    """django.core.cache.backends.redis."""

    title = "Django's Redis cache"

    def start(self) -> None:
        self._configure(django_settings.redis_cache(self.place))

    def read(self, id: int) -> int:
        value = self._cache.get_or_set(f"thing:{id}", lambda: self.loader(id), _TTL)
        return int(value["version"])

    def read_many(self, ids: Sequence[int]) -> dict[int, int]:
        names = {id: f"thing:{id}" for id in ids}
        found = self._cache.get_many(names.values())
        missing = {name: self.loader(id) for id, name in names.items() if name not in found}
        if missing:
            self._cache.set_many(missing, _TTL)
        return {id: int((found | missing)[name]["version"]) for id, name in names.items()}

    def write(self, id: int, version: int) -> None:
        self.loader.change(id, version)
        self._cache.delete(f"thing:{id}")

    def clear(self) -> None:
        self._cache.clear()

    def _configure(self, cache: dict[str, Any]) -> None:
        django_settings.configure(self.place, cache)
        from django.core.cache import cache as configured

        self._cache: Any = configured


class DjangoRedis(DjangoCache):
    """django-redis with its default client."""

    title = "django-redis"

    def start(self) -> None:
        self._configure(django_settings.django_redis_cache(self.place))


class DjangoRedisPattern(DjangoRedis):
    """Its way to clear without touching foreign keys."""

    way = "delete_pattern"
    laws = frozenset({CLEAR})

    def clear(self) -> None:
        self._cache.delete_pattern("*")

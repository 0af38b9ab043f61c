"""django-cacheops: querysets of chosen models are cached, and a write drops those that it may change."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from benchmarks.libraries import django_settings
from benchmarks.libraries.orm import APP, OrmPeer
from benchmarks.libraries.peer import CLEAR, COLD, STALE_SET


class Cacheops(OrmPeer):
    """Its automatic caching of querysets, configured to go on without Redis."""

    title = "cacheops"
    lock = False

    def start(self) -> None:
        url, timeout = urlsplit(self.place.redis_url), self.place.timeout
        client = {
            "host": url.hostname,
            "port": url.port,
            "db": 0,
            "socket_timeout": timeout,
            "socket_connect_timeout": timeout,
        }
        profile = {"ops": "all", "timeout": 3600, "lock": self.lock}
        django_settings.configure(
            self.place,
            {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
            ("cacheops", APP),
            CACHEOPS_REDIS=client,
            CACHEOPS_DEGRADE_ON_FAILURE=True,
            CACHEOPS={"laws.thing": profile},
        )
        self.make_model()

    def clear(self) -> None:
        from cacheops import invalidate_all

        invalidate_all()


class CacheopsLocked(Cacheops):
    """With its lock against stampedes."""

    way = "lock=True"
    laws = frozenset({COLD})
    lock = True


class CacheopsFresh(Cacheops):
    """Its guard against old results, which exists for functions and not for querysets."""

    way = "keep_fresh"
    laws = frozenset({STALE_SET})

    def find(self, id: int) -> int:
        return int(self._version(id))

    def start(self) -> None:
        super().start()
        from cacheops import cached_as

        things: Any = self.model.objects

        @cached_as(self.model, timeout=3600, keep_fresh=True)
        def version(id: int) -> int:
            return int(things.nocache().get(pk=id).version)

        self._version = version


class CacheopsModel(Cacheops):
    """Its way to clear one model."""

    way = "invalidate_model"
    laws = frozenset({CLEAR})

    def clear(self) -> None:
        from cacheops import invalidate_model

        invalidate_model(self.model)

"""django-cachalot on django-redis: every query is cached, and a write drops those of its table."""

from __future__ import annotations

from benchmarks.libraries import django_settings
from benchmarks.libraries.orm import APP, OrmPeer


class Cachalot(OrmPeer):
    """As its quick start installs it."""

    title = "cachalot"

    def start(self) -> None:
        django_settings.configure(self.place, django_settings.django_redis_cache(self.place), ("cachalot", APP))
        self.make_model()

    def clear(self) -> None:
        from cachalot.api import invalidate

        invalidate()

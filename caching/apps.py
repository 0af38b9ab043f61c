"""The caching layer: entries, counters, deadlines and jobs."""

from __future__ import annotations

from django.apps import AppConfig


class CachingConfig(AppConfig):
    """Registers the app with Django, its system checks and its part of the daily tidying."""

    name = "caching"
    label = "caching"
    verbose_name = "Caching"

    def ready(self) -> None:
        from caching.upkeep import checks, cleanup, old_dictionaries

        checks.install()
        cleanup.register("dictionaries", old_dictionaries.forget_old)

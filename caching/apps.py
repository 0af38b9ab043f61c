"""The caching layer: entries, counters, deadlines and jobs."""

from __future__ import annotations

from django.apps import AppConfig


class CachingConfig(AppConfig):
    """Registers the app with Django, its system checks and its part of the daily tidying."""

    name = "caching"
    label = "caching"
    verbose_name = "Caching"

    def ready(self) -> None:
        from caching import checks, cleanup, dictionaries

        checks.install()
        cleanup.register("dictionaries", dictionaries.forget_old)

"""The caching layer: entries, counters, deadlines and jobs."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class CachingConfig(AppConfig):
    """Imports the `cache.py` of every installed app, as the admin does `admin.py`, and installs the system checks."""

    name = "caching"
    label = "caching"
    verbose_name = "Caching"

    def ready(self) -> None:
        from caching.upkeep import checks, old_dictionaries
        from caching.upkeep.steps import add_cleanup_step

        checks.install()
        autodiscover_modules("cache")
        add_cleanup_step("dictionaries", old_dictionaries.forget_old)

"""The caching layer: entries, counters, deadlines and jobs."""

from __future__ import annotations

from django.apps import AppConfig


class CachingConfig(AppConfig):
    """Registers the app with Django."""

    name = "caching"
    label = "caching"
    verbose_name = "Caching"

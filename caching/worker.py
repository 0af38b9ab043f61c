"""The Celery app for a project that has none: `celery -A caching.worker worker --beat`.

DJANGO_SETTINGS_MODULE names the project's settings, as for every Django process.
"""

from __future__ import annotations

import django

from caching.jobs.default_app import app

__all__ = ["app"]

django.setup()

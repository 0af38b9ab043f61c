"""The Celery app for a project that has none: `celery -A caching.worker worker --beat`.

DJANGO_SETTINGS_MODULE names the project's settings, as for every Django process.
"""

from __future__ import annotations

import django
from celery.fixups.django import fixup

from caching.jobs.default_app import app

__all__ = ["app"]

app.set_default()
# Celery keeps only a weak reference to what closes Django's connections between tasks.
_for_django = fixup(app)
django.setup()

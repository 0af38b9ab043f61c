"""The Celery application that the worker, beat and every process that enqueues share."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")

app = Celery("marketplace")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
@beat_init.connect
def verify_start(**_: Any) -> None:
    """Refuse to start worker or beat on a Redis that could drop state."""
    # Late imports: every command imports this module before Django is set up.
    from django.conf import settings

    from caching import verify

    verify(production=settings.IS_PRODUCTION)

"""The Celery app of a project that has none: tasks and queue in the Redis of `CACHING`, and the daily clean-up."""

from __future__ import annotations

from typing import Any

from celery import Celery, _state, current_app
from celery.schedules import crontab
from django.apps import apps
from django.conf import settings

from caching.conf import conf

_CLEANUP = {
    "cleanup_old_cache": {
        "task": "caching.tasks.cleanup_old_cache",
        "schedule": crontab(hour=3, minute=0),
        "options": {"expires": 3600},
    },
}

# Without fix-ups: Celery's one for Django would make this the default app, also of a project whose own app comes later.
app = Celery("caching", set_as_current=False, fixups=())
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(lambda: [each.name for each in apps.get_app_configs()])


def layer_app() -> Celery:
    """Return the app that sends the layer's tasks: the project's own, or `app` if it has none.

    It does not touch Celery's `current_app` of a project without one, because that would make an app without a broker.
    """
    for found in (_state._tls.current_app, _state.default_app):
        # Celery makes an app of this name when somebody asks for the current one and there is none.
        if found is not None and found.main != "default":
            return current_app._get_current_object()
    return app


def _defaults() -> dict[str, Any]:
    """Return what the settings do not say by CELERY_..., and the daily clean-up beside their schedule."""
    mine = {
        "broker_url": conf().url_of("state"),
        "broker_transport_options": {
            "global_keyprefix": f"{conf().key_prefix}:q:",
            # Without a timeout a publish waits for ever on a connection that died silently.
            "socket_timeout": 10,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
        },
        "broker_connection_retry_on_startup": True,
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_publish_retry": False,
        "worker_prefetch_multiplier": 1,
    }
    # What Celery calls defaults wins over its configuration.
    if hasattr(settings, "CELERY_RESULT_BACKEND"):
        del mine["task_ignore_result"]
    missing = {name: value for name, value in mine.items() if not hasattr(settings, f"CELERY_{name.upper()}")}
    return {**missing, "beat_schedule": {**_CLEANUP, **getattr(settings, "CELERY_BEAT_SCHEDULE", {})}}


app.add_defaults(_defaults)

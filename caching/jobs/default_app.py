"""The Celery app of a project that has none: tasks and queue in the Redis of `CACHING`, and the daily clean-up."""

from __future__ import annotations

from typing import Any

from celery import Celery, current_app
from celery.schedules import crontab
from django.conf import settings

from caching.conf import conf

_CLEANUP = {
    "cleanup_old_cache": {
        "task": "caching.tasks.cleanup_old_cache",
        "schedule": crontab(hour=3, minute=0),
        "options": {"expires": 3600},
    },
}

app = Celery("caching", set_as_current=False)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def use_default_app() -> None:
    """Make the app current, unless the project has configured a broker of its own."""
    # Celery makes the first app of a Django process current, so this one may be that already. Its configuration is not
    # read then: it needs CACHING, and the system check names what is wrong with that.
    if current_app._get_current_object() is not app and not current_app.conf.broker_url:
        app.set_default()


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
    missing = {name: value for name, value in mine.items() if not hasattr(settings, f"CELERY_{name.upper()}")}
    return {**missing, "beat_schedule": {**_CLEANUP, **getattr(settings, "CELERY_BEAT_SCHEDULE", {})}}


app.add_defaults(_defaults)

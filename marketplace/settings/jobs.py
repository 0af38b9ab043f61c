"""Celery: the broker, how tasks are acknowledged, and the one table of what runs when."""

from __future__ import annotations

from celery.schedules import crontab

from marketplace.settings.caches import REDIS_STATE_URL
from marketplace.settings.env import env

CELERY_BROKER_URL: str = env.str("CELERY_BROKER_URL", default=REDIS_STATE_URL)
# There is no result backend: every job leaves its record in PostgreSQL.
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True

CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 600
CELERY_TASK_SOFT_TIME_LIMIT = 540
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 8.0

CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": env.str("CELERY_KEY_PREFIX", default="mp:q:"),
    # Without these a publish waits for ever on a connection that died silently.
    "socket_timeout": 10,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "visibility_timeout": 3600,
}
# A request that wants to enqueue must not wait for a broker that is away.
CELERY_TASK_PUBLISH_RETRY = False

_VIEW_SYNC_SECONDS = 5
_OFFER_SWEEP_SECONDS = 60
_OFFER_REMINDERS_SECONDS = 60
_OFFER_EVENTS_SECONDS = 10

CELERY_TASK_ROUTES = {
    "products.tasks.sync_view_counts": {"queue": "jobs"},
    "offers.tasks.process_expired_offers": {"queue": "jobs"},
    "offers.tasks.send_offer_reminders": {"queue": "jobs"},
    "caching.tasks.cleanup_old_cache": {"queue": "jobs"},
    # A queue of its own: a receiver that hangs must block neither the flush of views nor the reminders.
    "offers.tasks.deliver_offer_events": {"queue": "events"},
}
# `expires` makes a worker drop the messages that accumulated while no worker ran: the next message does the same work.
# Until a worker reads them they stay in Redis, whose lists do not expire.
CELERY_BEAT_SCHEDULE = {
    "sync_view_counts": {
        "task": "products.tasks.sync_view_counts",
        "schedule": float(_VIEW_SYNC_SECONDS),
        "options": {"expires": _VIEW_SYNC_SECONDS},
    },
    "process_expired_offers": {
        "task": "offers.tasks.process_expired_offers",
        "schedule": float(_OFFER_SWEEP_SECONDS),
        "options": {"expires": _OFFER_SWEEP_SECONDS},
    },
    "send_offer_reminders": {
        "task": "offers.tasks.send_offer_reminders",
        "schedule": float(_OFFER_REMINDERS_SECONDS),
        "options": {"expires": _OFFER_REMINDERS_SECONDS},
    },
    "deliver_offer_events": {
        "task": "offers.tasks.deliver_offer_events",
        "schedule": float(_OFFER_EVENTS_SECONDS),
        "options": {"expires": _OFFER_EVENTS_SECONDS},
    },
    "cleanup_old_cache": {
        "task": "caching.tasks.cleanup_old_cache",
        "schedule": crontab(hour=3, minute=0),
        "options": {"expires": 3600},
    },
}

"""Handing work to Celery without ever failing or delaying the request that noticed it."""

from __future__ import annotations

import logging
from typing import Any

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from caching import metrics

logger = logging.getLogger(__name__)


def enqueue(task: str, *args: Any, expires: float) -> None:
    """Send a task by name once the current transaction has committed; at once if there is none.

    `expires` (seconds) drops it where workers come back too late for it to matter. A broker that is away is
    logged and counted: whoever reads next notices the same work again.
    """
    transaction.on_commit(lambda: _send(task, args, expires), robust=True)


def _send(task: str, args: tuple[Any, ...], expires: float) -> None:
    try:
        current_app.send_task(task, args=args, expires=expires)
    except (OperationalError, OSError) as error:
        metrics.ENQUEUE_FAILURES.labels(task).inc()
        logger.warning("could not enqueue %s: %s", task, error)

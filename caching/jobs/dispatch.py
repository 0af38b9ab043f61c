"""Handing work to Celery without failing the request that noticed it, or delaying it beyond one timeout."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from celery import current_app
from django.db import transaction
from kombu.common import maybe_declare
from kombu.connection import Connection
from kombu.exceptions import KombuError
from kombu.pools import producers

from caching import metrics
from caching.conf import conf
from caching.redis.errors import REDIS_ERRORS
from caching.transactions import in_transaction

logger = logging.getLogger(__name__)

# What a broker that is away raises, or one that is full.
_BrokerAway = (KombuError, OSError, *REDIS_ERRORS)


def enqueue(task: str, *args: Any, expires: float) -> bool:
    """Send a task by name once the current transaction has committed; at once if there is none.

    `expires` (seconds) drops it where workers come back too late for it to matter. A broker that is away is
    logged, counted and answered by False: whoever reads next notices the same work again.
    """
    if in_transaction():
        transaction.on_commit(lambda: _send(task, args, expires), robust=True)
        return True
    # Not by `on_commit`: that opens a connection to look at autocommit, and a stale hit needs no database.
    return _send(task, args, expires)


def prepare() -> None:
    """Do what the first message of a process takes before it is sent, fifty milliseconds, ahead of any request."""
    queues, _ = current_app.amqp.queues, current_app.backend
    try:
        with producers[_broker()].acquire(block=False) as producer:
            maybe_declare(queues[current_app.conf.task_default_queue], producer.channel)  # type: ignore[no-untyped-call]
    except _BrokerAway as error:
        logger.warning("the broker does not answer: %s", error)


def _send(task: str, args: tuple[Any, ...], expires: float) -> bool:
    try:
        with producers[_broker()].acquire(block=False) as producer:
            current_app.send_task(task, args=args, expires=expires, producer=producer, retry=False)
    except _BrokerAway as error:
        metrics.ENQUEUE_FAILURES.labels(task).inc()
        logger.warning("could not enqueue %s: %s", task, error)
        return False
    return True


@cache
def _broker() -> Connection:
    """Return what requests publish by; kombu pools connections like it. It gives up as soon as a read does.

    The worker's own connection is patient, since it has nobody waiting for it.
    """
    timeouts = dict.fromkeys(("socket_timeout", "socket_connect_timeout"), conf().timeout_seconds)
    options = {**(current_app.conf.broker_transport_options or {}), **timeouts, "max_retries": 0}
    connection: Connection = current_app.connection_for_write(transport_options=options)
    return connection

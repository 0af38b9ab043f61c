"""Sends tasks to Celery. A broker that is away does not fail the request, and delays it by at most one timeout."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from django.db import transaction
from kombu.common import maybe_declare
from kombu.connection import Connection
from kombu.exceptions import KombuError
from kombu.pools import producers

from caching import metrics
from caching.conf import conf
from caching.jobs.default_app import layer_app
from caching.redis.errors import REDIS_ERRORS
from caching.transactions import in_transaction

logger = logging.getLogger(__name__)

# What a broker raises that is away or full.
_BROKER_ERRORS = (KombuError, OSError, *REDIS_ERRORS)


def enqueue(task: str, *args: Any, expires: float) -> bool:
    """Send a task by name after the current transaction has committed; at once if there is none.

    A worker that gets the message after `expires` seconds drops it. If the broker is away, that is logged and counted,
    and the call returns False (True inside a transaction); the next read notices the same work again.
    """
    if in_transaction():
        transaction.on_commit(lambda: _send(task, args, expires), robust=True)
        return True
    # Not by `on_commit`: it opens a database connection to read autocommit, and a stale hit needs no database.
    return _send(task, args, expires)


def prepare() -> None:
    """Connect to the broker and declare the queue at start-up, so no request waits for it (docs/decisions/0008)."""
    queues, _ = layer_app().amqp.queues, layer_app().backend
    try:
        with producers[_broker()].acquire(block=False) as producer:
            maybe_declare(queues[layer_app().conf.task_default_queue], producer.channel)  # type: ignore[no-untyped-call]
    except _BROKER_ERRORS as error:
        logger.warning("the broker does not answer: %s", error)


def _send(task: str, args: tuple[Any, ...], expires: float) -> bool:
    try:
        with producers[_broker()].acquire(block=False) as producer:
            layer_app().send_task(task, args=args, expires=expires, producer=producer, retry=False)
    except _BROKER_ERRORS as error:
        metrics.ENQUEUE_FAILURES.labels(task).inc()
        logger.warning("could not enqueue %s: %s", task, error)
        return False
    return True


def start_afresh() -> None:
    """Forget the broker, as in a new process; the next task goes to the one that is configured then."""
    _broker.cache_clear()


@cache
def _broker() -> Connection:
    """Return the connection that requests publish through; kombu pools connections equal to it.

    It has the timeout of a read. The worker's own connection waits longer, because no request waits for it.
    """
    timeouts = dict.fromkeys(("socket_timeout", "socket_connect_timeout"), conf().timeout_seconds)
    options = {**(layer_app().conf.broker_transport_options or {}), **timeouts, "max_retries": 0}
    connection: Connection = layer_app().connection_for_write(transport_options=options)
    return connection

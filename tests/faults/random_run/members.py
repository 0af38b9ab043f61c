"""The work of the crowd's processes until their time is over: read, write, and harm Redis."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Sequence
from queue import Empty

import redis
from celery import current_app
from django.db import transaction
from kombu.exceptions import KombuError

from caching.readthrough.batch import fetch_many
from caching.readthrough.fetch import fetch
from caching.redis.connections import client
from caching.redis.errors import REDIS_ERRORS
from tests.faults.random_run import rows
from tests.faults.random_run.log import Log, What

# Returns whether it is time to end.
Over = Callable[[], bool]


def read(log: Log, over: Over) -> None:
    """Read rows through both caches, and now and then run a task as a worker does."""
    while not over():
        ways = random.choices([_read_one, _read_many, _read_inside_a_transaction, _work], [70, 20, 3, 10])
        ways[0](log)
        _read_plain(log)
        time.sleep(random.uniform(0, 0.006))


def _read_one(log: Log) -> None:
    id, began = random.choice(rows.choose()), time.monotonic_ns()
    body = fetch(rows.source_of(id), id).body
    log.write(What.READ, id, int(body or 0), began)


def _read_many(log: Log) -> None:
    ids, began = random.sample(rows.choose(), 3), time.monotonic_ns()
    bodies = fetch_many(rows.source_of(ids[0]), ids).bodies
    for id in ids:
        log.write(What.READ, id, int(bodies.get(id, 0)), began)


def _read_inside_a_transaction(log: Log) -> None:
    with transaction.atomic():
        _read_one(log)


def _work(log: Log) -> None:
    """Take a message and run its task, as a worker does, if there is one and the broker does not fail."""
    away = (*REDIS_ERRORS, KombuError, OSError)
    with contextlib.suppress(Empty, *away), current_app.connection_for_read() as broker:
        message = broker.SimpleQueue("celery").get_nowait()
        message.ack()
        args, _, _ = message.payload
        current_app.tasks[message.headers["task"]](*args)


def _read_plain(log: Log) -> None:
    id, began = random.choice(rows.choose()), time.monotonic_ns()
    log.write(What.PLAIN_READ, id, rows.read_plain(id), began)


class _ChangedItsMindError(Exception):
    """Rolls a transaction back."""


def write(log: Log, over: Over) -> None:
    """Write one row or two in a transaction, which is rolled back now and then."""
    while not over():
        # Always in the same order, or two writers could deadlock.
        ids = sorted(random.sample(rows.choose(), random.choice([1, 1, 1, 2])))
        with contextlib.suppress(_ChangedItsMindError):
            _write(log, ids)
        time.sleep(random.uniform(0, 0.04))


def _write(log: Log, ids: Sequence[int]) -> None:
    began = time.monotonic_ns()
    with transaction.atomic():
        written = {id: rows.write(id) for id in ids}
        for id, version in written.items():
            log.write(What.WRITING, id, version, began)
        if random.random() < 0.05:
            raise _ChangedItsMindError
    for id, version in written.items():
        log.write(What.ANSWERED, id, version, began)


def harm(log: Log, over: Over) -> None:
    """Remove keys from Redis, and close connections of other processes."""
    state = client("state")
    while not over():
        number = random.choices(range(len(FAULTS)), [weight for _, weight in FAULTS.values()])[0]
        began = time.monotonic_ns()
        with contextlib.suppress(*REDIS_ERRORS):
            list(FAULTS.values())[number][0](state)
            log.write(What.FAULT, 0, number, began)
        time.sleep(random.uniform(0.01, 0.09))


def _lose_leases(state: redis.Redis) -> None:
    state.delete(*[rows.keys_of(id)[1] for id in random.sample(rows.HOT, 3)])


def _evict(state: redis.Redis) -> None:
    id = random.choice(rows.choose())
    state.unlink(rows.keys_of(id)[0], rows.plain_key(id))


def _expire(state: redis.Redis) -> None:
    id = random.choice(rows.choose())
    state.pexpire(rows.keys_of(id)[0], 0)
    state.pexpire(rows.plain_key(id), 0)


def _cut_one(state: redis.Redis) -> None:
    others = [other["id"] for other in state.client_list(_type="normal") if other["id"] != str(state.client_id())]
    if others:
        state.client_kill_filter(_id=random.choice(others))


def _cut_all(state: redis.Redis) -> None:
    state.execute_command("CLIENT KILL TYPE normal SKIPME yes")


def _refuse_writes(state: redis.Redis) -> None:
    """Make Redis a replica without a master, as in a failover: it answers reads but takes no invalidation."""
    state.replicaof("127.0.0.1", "1")
    try:
        time.sleep(random.uniform(0.05, 0.3))
    finally:
        state.replicaof("NO", "ONE")


# The faults by name: what each does, and how often compared with the others.
FAULTS: dict[str, tuple[Callable[[redis.Redis], None], int]] = {
    "leases lost": (_lose_leases, 40),
    "entries evicted": (_evict, 20),
    "entry expired": (_expire, 10),
    "SCRIPT FLUSH": (lambda state: state.script_flush(), 8),
    "FLUSHDB": (lambda state: state.flushdb(), 1),
    "a client killed": (_cut_one, 14),
    "all clients killed": (_cut_all, 1),
    "writes refused": (_refuse_writes, 3),
}

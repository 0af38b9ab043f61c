"""Flushers in processes of their own: killed at a moment, or run concurrently; and what others do meanwhile.

The functions run in a `tests.caching.other_process`. It forks the flushers that are killed or run concurrently, because
a fork is fast; each is a whole process with connections of its own.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import redis
from django.db import Error, OperationalError, close_old_connections, connection, transaction
from rest_framework.test import APIClient

from products.cache import product_views
from products.models import Product
from products.view_counts import increment_view, sync_view_counts

forking = multiprocessing.get_context("fork")

# How much faster the counters' clock runs: a bucket of four seconds is over in less than a tenth of a second.
SPEED = 50
# Flushers that are killed before it is measured again how long a flush takes.
KILLS_BETWEEN = 25


class FastClock:
    """A clock for the counters, SPEED times as fast as time, in ms; the same in all processes with one origin."""

    def __init__(self, origin: int) -> None:
        self._origin = origin

    def __call__(self) -> int:
        return 1_800_000_000_000 + (time.monotonic_ns() - self._origin) // 1_000_000 * SPEED


class Moments:
    """The moments at which a process may die; it is killed at the moment with the number `fatal`.

    They are: before and after a request to Redis is sent, and after each reply; before and after each SQL statement;
    before COMMIT, after it was sent but not yet answered, and after its reply. `report` is called with the name of
    the fatal moment.
    """

    def __init__(self, fatal: int, report: Callable[[str], None]) -> None:
        self.passed = 0
        self._fatal = fatal
        self._report = report

    def reach(self, moment: str) -> None:
        self.passed += 1
        if self.is_fatal(self.passed):
            self._report(moment)
            os.kill(os.getpid(), signal.SIGKILL)

    def is_fatal(self, number: int) -> bool:
        return number == self._fatal

    def watch(self) -> None:
        """Call `reach` at each step of this process from now on."""
        self._watch_redis()
        connection.execute_wrappers.append(self._statement)
        self._watch_commit()

    def _watch_redis(self) -> None:
        link: Any = redis.connection.AbstractConnection
        send, read = link.send_packed_command, link.read_response

        def sending(self_: Any, command: Any, *args: Any, **kwargs: Any) -> Any:
            self.reach("before a request to Redis")
            answer = send(self_, command, *args, **kwargs)
            self.reach("after a request to Redis")
            return answer

        def reading(self_: Any, *args: Any, **kwargs: Any) -> Any:
            answer = read(self_, *args, **kwargs)
            self.reach("after a reply of Redis")
            return answer

        link.send_packed_command, link.read_response = sending, reading

    def _statement(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        verb = sql.split(None, 1)[0]
        self.reach(f"before {verb}")
        answer = execute(sql, params, many, context)
        self.reach(f"after {verb}")
        return answer

    def _watch_commit(self) -> None:
        wrapper: Any = connection
        commit = wrapper._commit

        def committing() -> None:
            self.reach("before COMMIT")
            if self.is_fatal(self.passed + 1):
                # Only libpq itself can send COMMIT without waiting for the reply.
                wrapper.connection.pgconn.send_query(b"COMMIT")
                wrapper.connection.pgconn.flush()
            self.reach("while COMMIT runs")
            commit()
            self.reach("after COMMIT")

        wrapper._commit = committing


def flush_until(moment: int, now: int) -> tuple[str, int]:
    """Flush with the counters' clock at `now`, in a process that is killed at a moment; return (its name, 0).

    If the flush ended before that moment, return ("", the number of its moments).
    """
    received, sent = forking.Pipe(duplex=False)

    def flush() -> None:
        product_views.clock = lambda: now
        moments = Moments(moment, lambda name: sent.send((name, 0)))
        moments.watch()
        sync_view_counts()
        sent.send(("", moments.passed))

    child = forking.Process(target=flush)
    child.start()
    child.join()
    assert child.exitcode in (0, -signal.SIGKILL), "the flusher failed"
    return received.recv()


def flush_once(now: int, session: str = "") -> str:
    """Flush in this process itself, after the SQL in `session`; return the name of PostgreSQL's error, "" if none."""
    product_views.clock = lambda: now
    try:
        # As Celery does before each task.
        close_old_connections()
        if session:
            with connection.cursor() as cursor:
                cursor.execute(session)
        sync_view_counts()
    except Error as error:
        return type(error.__cause__ or error).__name__
    return ""


def flush_the_rest() -> None:
    """Flush all that was counted until now, on the fast clock.

    A flusher that loses its core after it has read the clock seals buckets newer than that time. Later views then go
    into a bucket ahead of the clock, which only the second flush is sure to seal.
    """
    for _ in range(2):
        time.sleep(2 * product_views.bucket_seconds / SPEED)
        sync_view_counts()


def request_details(ids: Sequence[int], now: int) -> list[tuple[int, str, int]]:
    """Request products from the API; return (status, Cache-Status, view count) of each answer."""
    product_views.clock = lambda: now
    answers = [APIClient().get(f"/api/v1/products/{id}/") for id in ids]
    return [(each.status_code, each.headers["Cache-Status"], each.json().get("view_count")) for each in answers]


def delete(ids: Sequence[int]) -> tuple[int, int]:
    """Delete products one by one; return how many applied views were deleted with them, and how many deletions had to
    be repeated."""
    elsewhere = connection.copy()
    gone = repeated = 0
    for id in ids:
        while True:
            try:
                gone += _delete(id, elsewhere)
                break
            except OperationalError:
                repeated += 1
    elsewhere.close()
    return gone, repeated


def _delete(id: int, elsewhere: Any) -> int:
    with transaction.atomic(), elsewhere.cursor() as cursor:
        Product.objects.get(pk=id).delete()
        # The row is locked until the commit deletes it, so what another session reads of it is what is deleted.
        cursor.execute("SELECT views FROM products_productviews WHERE product_id = %s", [id])
        ((views,),) = cursor.fetchall()
    return int(views)


def kill_at_random(times: int, seed: int, origin: int) -> int:
    """Start a flusher that flushes over and over and kill it at a random moment, `times` times; return how many failed
    before they were killed.

    On average a flusher lives as long as a flush takes now, so most die in their first flush and some in a later one,
    however busy the machine is.
    """
    dice = random.Random(seed)
    failed, life = 0, 0.0
    for number in range(times):
        if number % KILLS_BETWEEN == 0:
            life = _seconds_of_a_flush(FastClock(origin))
        child = forking.Process(target=_flush_for_ever, args=[FastClock(origin)])
        child.start()
        time.sleep(dice.expovariate(1 / life))
        child.kill()
        child.join()
        failed += child.exitcode != -signal.SIGKILL
    return failed


def _seconds_of_a_flush(clock: FastClock) -> float:
    """Return how long a flusher takes from its start to the end of its first flush."""
    began = time.monotonic()
    child = forking.Process(target=_flush, args=[clock])
    child.start()
    child.join()
    assert child.exitcode == 0, "the flusher failed"
    return time.monotonic() - began


def _flush(clock: FastClock) -> None:
    product_views.clock = clock
    sync_view_counts()


def _flush_for_ever(clock: FastClock) -> None:
    product_views.clock = clock
    # The parent may be killed as well, by a test that ends.
    while multiprocessing.parent_process().is_alive():
        sync_view_counts()


def flush_together(number: int, origin: int) -> list[int]:
    """Flush in many processes that start together; return how many views each of them applied."""
    barrier, applied = forking.Barrier(number), forking.SimpleQueue()

    def flush() -> None:
        product_views.clock = FastClock(origin)
        connection.ensure_connection()
        barrier.wait()
        applied.put(sync_view_counts()["total_views"])

    children = [forking.Process(target=flush) for _ in range(number)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * number
    return [applied.get() for _ in children]


def view_until(stop: str, ids: Sequence[int], seed: int, origin: int) -> int:
    """View random products until the file `stop` exists; return how many views were accepted.

    Now and then a live count is deleted, so that Redis does not know the product.
    """
    product_views.clock = FastClock(origin)
    dice = random.Random(seed)
    accepted = 0
    while not Path(stop).exists():
        for _ in range(20):
            accepted += increment_view(dice.choice(ids)) is not None
            time.sleep(0.001)
        product_views.forget([dice.choice(ids)])
    return accepted

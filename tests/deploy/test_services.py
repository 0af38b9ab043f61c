"""Web, worker, courier and beat as the deployment starts, checks and stops them."""

from __future__ import annotations

import socket
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
import redis
from celery import current_app
from django.db import connection

from caching.models import JobRun
from tests.deploy.conftest import Start
from tests.deploy.services import is_healthy, wait_until
from tests.task_queue import Queue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

# pg_stat_activity is frozen within the transaction that holds the table; pg_locks is not.
_WAITING = "SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted"


class Held:
    """A locked table, which no other session can read until it is released."""

    def __init__(self, session: psycopg.Connection, table: str) -> None:
        self._session = session
        self._table = table

    def wait_for_a_reader(self) -> None:
        wait_until(lambda: self._session.execute(_WAITING, [self._table]).fetchone() != (0,))

    def release(self) -> None:
        self._session.rollback()


@contextmanager
def held(table: str) -> Iterator[Held]:
    """Lock `table`, so that what a service does with it stays in flight for as long as the test wants."""
    params = connection.get_connection_params()
    params.pop("cursor_factory", None)
    params.pop("context", None)
    with psycopg.connect(**params) as session:
        session.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield Held(session, table)


def _status(url: str) -> int:
    with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310
        return int(response.status)


def test_web_finishes_the_request_in_flight_when_it_is_stopped(start: Start) -> None:
    # Given a web server with a request that waits for a table
    web = start("web")
    address = f"http://127.0.0.1:{web.env['WEB_PORT']}"
    with held("products_product") as table, ThreadPoolExecutor() as pool:
        answer = pool.submit(_status, f"{address}/api/v1/products/")
        table.wait_for_a_reader()
        # When it is stopped, and the table is free again only afterwards
        stopped = pool.submit(web.stop, 20.0)
        wait_until(lambda: _refuses(int(web.env["WEB_PORT"])))
        table.release()
        # Then the request is answered, and the server ends well
        assert answer.result(30) == 200
        assert stopped.result(30) == 0
    assert not is_healthy("web", web.env)


def _refuses(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return False
    except OSError:
        return True


def test_worker_finishes_the_task_in_flight_when_it_is_stopped(start: Start) -> None:
    # Given a worker whose job waits for a table
    worker = start("worker")
    with held("offers_offer") as table:
        current_app.send_task("offers.tasks.process_expired_offers", queue="jobs")
        table.wait_for_a_reader()
        # When it is stopped, and the table is free again a moment later
        threading.Timer(1.0, table.release).start()
        code = worker.stop(25.0)
    # Then the job has ended well, and so has the worker
    assert code == 0
    assert [run.outcome for run in JobRun.objects.filter(job="process_expired_offers")] == ["succeeded"]


def test_courier_consumes_its_own_queue_only_and_stops_on_sigterm(start: Start, redis_state: redis.Redis) -> None:
    # Given a courier, and a job for it and one for the worker
    courier = start("courier")
    current_app.send_task("offers.tasks.process_expired_offers", queue="jobs")
    current_app.send_task("offers.tasks.deliver_offer_events", queue="events")
    # When it has done its own job
    wait_until(lambda: JobRun.objects.filter(job="deliver_offer_events", outcome="succeeded").exists())
    # Then the other waits, and the courier ends well
    assert len(Queue(redis_state, "jobs").messages()) == 1
    assert courier.stop(25.0) == 0


def test_worker_puts_a_task_back_that_takes_longer_than_the_soft_shutdown(
    start: Start, redis_state: redis.Redis
) -> None:
    # Given a worker whose job waits for a table that stays held
    worker = start("worker")
    with held("offers_offer") as table:
        current_app.send_task("offers.tasks.process_expired_offers", queue="jobs")
        table.wait_for_a_reader()
        # When it is stopped
        worker.stop(25.0)
        # Then its message is in the queue for the next worker
        messages = Queue(redis_state, "jobs").messages()
        assert [message.task for message in messages] == ["offers.tasks.process_expired_offers"]


def test_beat_sends_its_jobs_until_it_is_stopped(start: Start, redis_state: redis.Redis) -> None:
    # Given a scheduler that ticks
    beat = start("beat")
    queue = Queue(redis_state, "jobs")
    wait_until(lambda: "products.tasks.sync_view_counts" in [message.task for message in queue.messages()])
    # When it is stopped, then it ends well and at once
    assert beat.stop(10.0) == 0
    assert not is_healthy("beat", beat.env)


def test_health_of_a_worker_is_not_answered_by_another(start: Start) -> None:
    worker = start("worker")
    assert not is_healthy("worker", {**worker.env, "NODE_NAME": "another"})

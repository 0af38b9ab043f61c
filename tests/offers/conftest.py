"""Fixtures of the tests of offers: the database's clock, ends of offers, concurrent calls, a recording backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection

from offers import expiration
from offers.delivery import courier
from offers.models import Offer
from tests.database_clock import DatabaseClock, database_clock
from tests.offers.delivery.recording_backend import RecordingBackend


@pytest.fixture
def clock() -> Iterator[DatabaseClock]:
    """The database's clock, which stands still until the test sets or advances it."""
    with database_clock() as clock:
        yield clock


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> RecordingBackend:
    """The backend of the courier, which records messages."""
    backend = RecordingBackend()
    monkeypatch.setattr(courier, "configured_backend", lambda: backend)
    return backend


@pytest.fixture(autouse=True)
def whole_repairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each run walk the whole index; on a busy machine its time could end before, as in the tests of the walks."""
    monkeypatch.setattr(expiration, "_REPAIR_SLICE", 60.0)


@pytest.fixture
def let_expire() -> Callable[..., None]:
    """Return a function that moves offers into the past, so that they end now or earlier."""

    def end(*offers: Offer, seconds_ago: float = 0) -> None:
        live(*offers, seconds=-seconds_ago)

    return end


@pytest.fixture
def expire_in() -> Callable[..., None]:
    """Return a function that makes offers end a number of seconds from now, by the database's clock."""
    return live


def live(*offers: Offer, seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE offers_offer SET created_at = clock_timestamp() - interval '2 days',"
            " expires_at = clock_timestamp() + make_interval(secs => %s) WHERE id = ANY(%s)",
            [seconds, [offer.pk for offer in offers]],
        )
    for offer in offers:
        offer.refresh_from_db()


@pytest.fixture
def at_once() -> Callable[..., list[Any]]:
    """Return a function that runs functions in threads that start together, and returns results or exceptions."""
    return run_at_once


def run_at_once(*functions: Callable[[], Any]) -> list[Any]:
    barrier = Barrier(len(functions))
    results: list[Any] = [None] * len(functions)

    def run(index: int) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=10)
            results[index] = functions[index]()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()

    threads = [Thread(target=run, args=[index]) for index in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    return results

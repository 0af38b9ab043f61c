"""What tests of offers share: an offer's last moment by the database's clock, and two parties at once."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection

from offers import expiration
from offers.models import Offer


@pytest.fixture(autouse=True)
def whole_repairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each run look at all of the index, as it does in its slice of a second unless the machine is busy.

    What becomes of an index that is larger than a slice has tests of its own, in those of the walks.
    """
    monkeypatch.setattr(expiration, "_REPAIR_SLICE", 60.0)


@pytest.fixture
def let_expire() -> Callable[..., None]:
    """Return a function that moves offers' lives into the past, so that they end at this very moment or earlier."""

    def end(*offers: Offer, seconds_ago: float = 0) -> None:
        live(*offers, seconds=-seconds_ago)

    return end


@pytest.fixture
def expire_in() -> Callable[..., None]:
    """Return a function that makes offers end so many seconds from now, by the database's clock."""
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
    """Return a function that runs others in threads that start together, and returns results or exceptions."""
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

"""The view counts that readers see while views are counted, flushed and lost to evictions, all concurrently."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Event
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from products.cache import product_views
from products.models import ProductViews, ProductViewsHour
from products.view_counts import increment_view, sync_view_counts
from tests.factories import ProductFactory
from tests.faults.flusher import FastClock, flush_the_rest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SECONDS = 3.0
FLUSHED_BEFORE = 1000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FastClock:
    clock = FastClock(time.monotonic_ns())
    monkeypatch.setattr(product_views, "clock", clock)
    return clock


def beside_each_other(*steps: Callable[[], Any]) -> list[list[Any]]:
    """Repeat each step in a thread of its own until the time is over, and return the answers of each."""
    over = Event()

    def repeat(step: Callable[[], Any]) -> list[Any]:
        try:
            answers = []
            while not over.is_set():
                answers.append(step())
            return answers
        finally:
            over.set()
            connection.close()

    with ThreadPoolExecutor(len(steps)) as threads:
        running = [threads.submit(repeat, step) for step in steps]
        over.wait(SECONDS)
        over.set()
        return [each.result() for each in running]


def detail(product: Any) -> Callable[[], int]:
    """Return a step that views a product and returns the count in its answer."""
    client = APIClient()

    def read() -> int:
        answer = client.get(f"/api/v1/products/{product.pk}/")
        assert answer.status_code == 200
        return int(answer.json()["view_count"])

    return read


def batch(product: Any) -> Callable[[], int]:
    """Return a step that returns the count in a batch, which counts no view."""
    client = APIClient()

    def read() -> int:
        (row,) = client.post("/api/v1/batch/products/", {"product_ids": [product.pk]}, format="json").json()
        return int(row["view_count"])

    return read


def lose_the_live_count(product: Any) -> Callable[[], None]:
    """Return a step that forgets the live count now and then, as an eviction would."""

    def lose() -> None:
        product_views.forget([product.pk])
        time.sleep(0.05)

    return lose


@pytest.mark.parametrize("loses", [False, True], ids=["kept", "lost"])
def test_a_count_never_goes_down_while_flushes_run_and_no_view_is_lost(clock: FastClock, loses: bool) -> None:
    # Given a product whose views are counted, read, flushed by two flushers, and perhaps lost to an eviction
    product = ProductFactory(views=FLUSHED_BEFORE)
    steps: list[Callable[[], Any]] = [
        detail(product),
        batch(product),
        lambda: increment_view(product.pk),
        sync_view_counts,
        sync_view_counts,
    ]

    # When all of that happens at once
    seen = beside_each_other(*steps, *([lose_the_live_count(product)] if loses else []))
    viewed, looked, counted, *flushes = seen

    # Then no reader saw a count go down, and those who viewed saw it go up
    assert all(before < after for before, after in pairwise(viewed))
    assert all(before <= after for before, after in pairwise(looked))
    assert all(before < after for before, after in pairwise(counted))
    # And the flushes that ran meanwhile, with the one that takes the rest, wrote each view once
    assert sum(bool(stats["total_views"]) for stats in [*flushes[0], *flushes[1]]) > 3
    flush_the_rest()
    total = FLUSHED_BEFORE + len(viewed) + len(counted)
    assert ProductViews.objects.get(product=product).views == total
    assert sum(ProductViewsHour.objects.values_list("views", flat=True)) == total - FLUSHED_BEFORE
    assert batch(product)() == total

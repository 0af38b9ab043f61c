"""A scrape measures the backlog of counters, and answers without Redis too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from caching.redis.connections import pool
from caching.redis.scripts import Command
from products.view_counts import increment_view
from tests.factories import ProductFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def alone(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scrape without the shared directory reads this process only. A series begins in one of the two."""
    api.get("/metrics")
    increment_view(ProductFactory().pk)
    pool("state").call([Command(("FLUSHDB",))])
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)


def scraped(api: Any) -> Iterator[tuple[str, float]]:
    for family in text_string_to_metric_families(api.get("/metrics").content.decode()):
        for sample in family.samples:
            if sample.labels.get("family", "product_views") == "product_views":
                yield sample.name, sample.value


def test_what_waits_is_measured(api: Any) -> None:
    increment_view(ProductFactory().pk)
    increment_view(ProductFactory().pk)

    found = dict(scraped(api))

    assert (found["counter_backlog_known"], found["counter_backlog_fields"]) == (1, 2)
    assert found["counter_backlog_bytes"] > 0
    assert (found["counter_spilled"], found["counter_alarms"]) == (0, 0)
    assert "counter_last_flush_seconds" not in found


def test_without_redis_it_says_that_it_does_not_know(api: Any) -> None:
    pool("state").breaker.is_open = True
    try:
        found = dict(scraped(api))
    finally:
        pool("state").breaker.is_open = False

    assert found["counter_backlog_known"] == 0
    assert "counter_backlog_seconds" not in found

"""The Celery tasks of products."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from caching import fetch_many, refresh
from caching.jobs import run_job
from products import view_counts
from products.cache import products
from products.feed_pages import listed
from products.feeds import PREPARE_TASK


@shared_task(name="products.tasks.sync_view_counts")
def sync_view_counts() -> dict[str, Any] | None:
    """Flush the views counted since the last run, every five seconds; None if another worker runs the job."""
    return run_job("sync_view_counts", view_counts.sync_view_counts)


@shared_task(name=PREPARE_TASK)
def prepare_feed_page(namespace: str, pairs: list[tuple[str, str]], generation: int) -> int:
    """Fill feed pages and the products on them; return the number of pages.

    `pairs` are pages' keys with the tokens of their leases, which the sender has acquired.
    """
    bodies = refresh(namespace, pairs, generation)
    ids = [id for body in bodies.values() for id in listed(body)]
    for start in range(0, len(ids), 100):
        fetch_many(products, ids[start : start + 100])
    return len(bodies)

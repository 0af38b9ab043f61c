"""The periodic task of offers."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from caching.jobs import run_job
from offers import expiration


@shared_task(name="offers.tasks.process_expired_offers")
def process_expired_offers() -> dict[str, Any] | None:
    """Close offers whose time has passed; None if another worker is doing so."""
    return run_job("process_expired_offers", expiration.process_expired_offers)

"""The layer's Celery tasks. They are idempotent: a message may be lost, late or delivered twice."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from caching.jobs.run import run_job
from caching.readthrough import refresh
from caching.upkeep import cleanup


@shared_task(name=refresh.REFRESH_TASK)
def refresh_entries(namespace: str, pairs: list[tuple[int | str, str]], generation: int) -> int:
    """Load and fill entries whose leases the sender took; return how many exist. `pairs` are [id, token] lists."""
    return len(refresh.refresh(namespace, pairs, generation))


@shared_task(name="caching.tasks.cleanup_old_cache")
def cleanup_old_cache() -> dict[str, Any] | None:
    """The daily job: delete what is no longer needed. Return its stats, or None while another run holds the job."""
    return run_job("cleanup_old_cache", cleanup.cleanup_old_cache)

"""The layer's Celery tasks. A message is a hint: lost, late or doubled, the outcome is the same."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from caching.jobs.run import run_job
from caching.readthrough import refresh
from caching.upkeep import cleanup


@shared_task(name=refresh.REFRESH_TASK)
def refresh_entries(namespace: str, pairs: list[tuple[int | str, str]], generation: int) -> int:
    """Load and fill entries whose leases the sender holds."""
    return len(refresh.refresh(namespace, pairs, generation))


@shared_task(name="caching.tasks.cleanup_old_cache")
def cleanup_old_cache() -> dict[str, Any] | None:
    """Delete what nothing needs any more: the daily job."""
    return run_job("cleanup_old_cache", cleanup.cleanup_old_cache)

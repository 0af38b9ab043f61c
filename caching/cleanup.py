"""The daily tidying: ledger rows and job runs past their retention, and whatever an app adds to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from caching.models import CounterBucket, JobRun

# Deletes what is past its retention and returns how many rows that were.
Step = Callable[[], int]

_steps: dict[str, Step] = {}


def register(name: str, step: Step) -> None:
    """Add an app's own step under the name that its count has in the statistics."""
    _steps[name] = step


def cleanup_old_cache() -> dict[str, Any]:
    """Delete what is past its retention and return the counts by kind.

    A ledger row is needed as long as a Redis restored from a backup could bring its bucket back.
    """
    now = timezone.now()
    ledger = CounterBucket.objects.filter(
        applied_at__lt=now - timedelta(days=settings.LEDGER_RETENTION_DAYS), retained=False
    )
    runs = JobRun.objects.filter(started_at__lt=now - timedelta(days=settings.JOB_RUN_RETENTION_DAYS)).exclude(
        outcome=JobRun.Outcome.RUNNING
    )
    stats: dict[str, Any] = {"ledger_rows": ledger.delete()[0], "job_runs": runs.delete()[0]}
    return stats | {name: step() for name, step in _steps.items()}

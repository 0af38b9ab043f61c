"""The daily clean-up: rows past their retention in PostgreSQL, unused keys in Redis, and the steps that apps add."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.utils import timezone

from caching.conf import conf
from caching.errors import StoreUnavailable
from caching.models import CounterBucket, CounterField, JobRun
from caching.redis.errors import REDIS_ERRORS
from caching.upkeep.steps import steps
from caching.upkeep.sweep import Sweep

logger = logging.getLogger(__name__)

JOB = "cleanup_old_cache"
# Bounds of one run's sweep over Redis; the next run resumes where it stopped.
SWEEP_SECONDS = 60.0
SWEEP_KEYS = 2_000_000


def cleanup_old_cache(seconds: float = SWEEP_SECONDS, keys: int = SWEEP_KEYS) -> dict[str, Any]:
    """Delete what is past its retention or unused in Redis, and return the statistics of the run by name.

    A ledger row is kept as long as a Redis restored from a backup could bring its bucket back.
    `seconds` and `keys` bound the sweep over Redis.
    """
    now = timezone.now()
    ledger = CounterBucket.objects.filter(applied_at__lt=now - timedelta(days=conf().ledger_days), retained=False)
    runs = JobRun.objects.filter(started_at__lt=now - timedelta(days=conf().job_run_days)).exclude(
        outcome=JobRun.Outcome.RUNNING
    )
    aside = CounterField.objects.filter(created_at__lt=now - timedelta(days=conf().ledger_days))
    stats: dict[str, Any] = {
        "ledger_rows": ledger.delete()[0],
        "fields_aside": aside.delete()[0],
        "job_runs": runs.delete()[0],
    }
    stats |= {name: step() for name, step in steps.items()}
    return stats | _sweep(seconds, keys)


def _sweep(seconds: float, keys: int) -> dict[str, Any]:
    sweep = Sweep(seconds, keys, _last_cursor())
    try:
        sweep.run()
    except (*REDIS_ERRORS, StoreUnavailable) as error:
        # The part in PostgreSQL is done and must be recorded. The next run sweeps again.
        logger.warning("the sweep over Redis broke off: %s", error)
    return sweep.stats()


def _last_cursor() -> int:
    """Return the cursor at which the last successful run's sweep stopped; 0 if it was complete."""
    ended = JobRun.objects.filter(job=JOB, outcome=JobRun.Outcome.SUCCEEDED)
    last = ended.order_by("-started_at").values_list("stats", flat=True).first()
    return int(last.get("scan_cursor", 0)) if last else 0

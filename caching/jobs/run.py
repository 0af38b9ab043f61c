"""Jobs: at most one run of each has effects, and every run leaves a record.

The message that starts a job is a wake-up hint: lost, late or doubled, the outcome is the same (docs/jobs.md).
`caching.jobs.status` reads the records.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from caching.errors import DATABASE_ERRORS
from caching.jobs.lock import exclusive
from caching.models import JobRun

logger = logging.getLogger(__name__)

Stats = dict[str, Any]
# Characters of an error that are kept; it may quote a whole query with its parameters.
_ERROR_CHARS = 2000


def run_job(name: str, work: Callable[[], Stats]) -> Stats | None:
    """Run `work` unless the job `name` runs elsewhere, and record the run with the stats that `work` returns.

    Returns the stats with `duration_ms` added, or None if another run holds the job. What `work` raises is
    recorded as failed and raised again.
    """
    with exclusive(name) as mine:
        if not mine:
            logger.debug("job %s is running elsewhere", name)
            return None
        run = _begin(name)
        started = time.monotonic()
        try:
            stats = work()
        except BaseException as error:
            # BaseException, because a worker's shutdown ends a run as a bug does.
            _fail(run, name, error, _milliseconds_since(started))
            raise
        stats = {**stats, "duration_ms": _milliseconds_since(started)}
        _finish(run, outcome=JobRun.Outcome.SUCCEEDED, stats=stats)
        logger.info("job %s succeeded: %s", name, _line(stats))
        return stats


def _begin(name: str) -> int:
    """Mark unfinished runs as lost, insert the record of this run, and return its id.

    The caller holds the lock, so an older run that is unfinished is dead.
    """
    lost = JobRun.objects.filter(job=name, outcome=JobRun.Outcome.RUNNING).update(
        outcome=JobRun.Outcome.LOST, finished_at=Now()
    )
    if lost:
        logger.warning("job %s: %d earlier run(s) never finished and are marked lost", name, lost)
    run: int = JobRun.objects.create(job=name, started_at=Now(), outcome=JobRun.Outcome.RUNNING).pk
    return run


def _finish(run: int, **values: Any) -> None:
    # Guarded by the outcome: if this session was cut off, a later run may have marked this one lost already.
    JobRun.objects.filter(pk=run, outcome=JobRun.Outcome.RUNNING).update(finished_at=Now(), **values)


def _fail(run: int, name: str, error: BaseException, duration_ms: float) -> None:
    message = f"{type(error).__name__}: {error}"[:_ERROR_CHARS]
    logger.error("job %s failed after %s ms: %s", name, duration_ms, message)
    try:
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        _finish(run, outcome=JobRun.Outcome.FAILED, error=message, stats={"duration_ms": duration_ms})
    except DATABASE_ERRORS as second:
        logger.error("job %s: its failure could not be recorded, it will read as lost: %s", name, second)


def _milliseconds_since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 1)


def _line(stats: Stats) -> str:
    return " ".join(f"{key}={value}" for key, value in stats.items())

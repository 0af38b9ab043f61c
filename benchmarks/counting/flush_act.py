"""In a process of its own: runs `sync_view_counts` on order, as a Celery worker would."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from benchmarks.counting.statements import Statements
from caching.jobs import run_job
from products.view_counts import sync_view_counts

# An order instead of times: flush until nothing is left.
DRAIN = "drain"


def flusher(orders: Iterator[list[float] | str]) -> Iterator[Any]:
    """Take orders: the times, by the monotonic clock, of some flushes (one that is late begins at once), or DRAIN."""
    sent = Statements().watch()
    yield "ready"
    for times in orders:
        yield [*_drain(sent)] if times == DRAIN else [_flush_at(when, sent) for when in times]


def _drain(sent: Statements) -> Iterator[dict[str, Any]]:
    """Yield flushes up to the first that finds nothing to do."""
    while True:
        done = _flush_at(0.0, sent)
        yield done
        if not done["stats"]["buckets"]:
            return


def _flush_at(when: float, sent: Statements) -> dict[str, Any]:
    """Return the statistics of one flush, its times, and what it sent to PostgreSQL."""
    time.sleep(max(0.0, when - time.monotonic()))
    statements, transactions = sent.statements, sent.transactions
    began, cpu = time.monotonic(), time.process_time()
    stats = _flush()
    ended, used = time.monotonic(), time.process_time() - cpu
    return {
        "began": began,
        "ended": ended,
        "cpu": used,
        "statements": sent.statements - statements,
        "transactions": sent.transactions - transactions,
        "stats": stats,
    }


def _flush() -> dict[str, Any] | None:
    return run_job("sync_view_counts", sync_view_counts)

"""In a process of its own: runs the job until nothing is due any more, as a Celery worker would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

from benchmarks.expiring.transactions import Took, Transactions
from benchmarks.harness.pause import Pause
from caching.jobs import WorkBudget, run_job
from offers import expiration


def expire(orders: Iterator[Any]) -> Iterator[Any]:
    """Take orders; each runs the job until its backlog is empty."""
    pause = Pause().listen()
    sent = Transactions(pause).watch()
    # The budget must not run out, nor a pause pass, while the process is stopped.
    expiration.WorkBudget = partial(WorkBudget, clock=pause.clock)
    yield "ready"
    for _ in orders:
        sent.took, began = Took(), pause.clock()
        runs = [*_runs()]
        yield {"seconds": pause.clock() - began, "runs": runs, "took": asdict(sent.took)}


def _runs() -> Iterator[dict[str, Any]]:
    """Yield the statistics of runs up to the first that leaves nothing."""
    while True:
        stats = run_job("process_expired_offers", expiration.process_expired_offers)
        # None would mean that another process runs the job, which is not timed here.
        assert stats is not None
        yield stats
        if not stats["backlog"]:
            return

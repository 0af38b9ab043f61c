"""In a process of its own: the job runs until nothing is due any more, as a worker of Celery would run it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

from benchmarks.expiring.transactions import Took, Transactions
from benchmarks.harness.pause import Pause
from caching.jobs.run import run_job
from caching.jobs.work_budget import WorkBudget
from offers import expiration


def expire(orders: Iterator[Any]) -> Iterator[Any]:
    """Take orders, each to run the job again and again until its backlog is empty."""
    pause = Pause().listen()
    sent = Transactions(pause).watch()
    # A budget that ran out, or a rest after a part, while the process was stopped would be nobody's doing.
    expiration.WorkBudget = partial(WorkBudget, clock=pause.clock)
    yield "ready"
    for _ in orders:
        sent.took, began = Took(), pause.clock()
        runs = [*_runs()]
        yield {"seconds": pause.clock() - began, "runs": runs, "took": asdict(sent.took)}


def _runs() -> Iterator[dict[str, Any]]:
    """Yield the statistics of runs up to the one that leaves nothing."""
    while True:
        stats = run_job("process_expired_offers", expiration.process_expired_offers)
        # Somebody else's run would not be timed.
        assert stats is not None
        yield stats
        if not stats["backlog"]:
            return

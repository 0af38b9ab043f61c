"""Expiry of offers: the index of their deadlines, and the job that closes those whose time has passed.

The job only tidies. Reads and transitions test the time themselves, so an offer is dead at its `expires_at`
also while no job runs; and every close is guarded, so an extended offer is never closed early.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any

from caching.deadlines.repair import Budget, repair
from caching.jobs.work_budget import WorkBudget
from offers.deadlines import (
    drop_offer_expirations,
    extend_offer_expiration,
    offer_deadlines,
    track_offer_expiration,
    upcoming_offers,
)
from offers.overdue import overdue
from offers.sweep import ExpiryStats, expire_due, try_redis

__all__ = ["drop_offer_expirations", "extend_offer_expiration", "process_expired_offers", "track_offer_expiration"]

# A run's time in seconds, within the minute that the next one begins after. What is left over waits for that, and
# nobody sees the difference.
_SECONDS = 45.0
# Offers that one run expires without a rest, and its rest after each second of work beyond.
_BURST = 10_000
_PAUSE_RATIO = 0.1
# A repair's time in seconds while it finds nothing wrong, and while it does.
_REPAIR_SLICE = 0.25
_REPAIR_LIMIT = 8.0


def process_expired_offers(budget: WorkBudget | None = None) -> dict[str, Any]:
    """Close the offers whose time has passed, by the index and then by the table, and repair the index.

    Works in bounded batches, each a transaction of its own, for as long as its budget; without Redis by the table
    alone.
    """
    stats = ExpiryStats()
    if expire_due(stats, budget or WorkBudget(_SECONDS, _BURST, _PAUSE_RATIO)):
        try_redis(stats, partial(_reconcile, stats))
    stats.backlog = overdue().count
    return asdict(stats)


def _reconcile(stats: ExpiryStats) -> None:
    done = repair(offer_deadlines, upcoming_offers, lambda: Budget(_REPAIR_SLICE, _REPAIR_LIMIT))
    stats.orphans += done.removed
    stats.rescored += done.moved
    stats.repaired += done.entered

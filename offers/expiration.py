"""The job that closes expired offers and repairs the index of deadlines.

The job only records an expiry. Reads and transitions compare with the clock themselves, so an offer is expired at its
`expires_at` even if no job runs. Each close is guarded, so an extended offer is never closed early.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any

from caching.deadlines import Budget, repair
from caching.jobs import WorkBudget
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

# Seconds for a run, which starts every minute. The rest waits for the next run; users see no difference.
_SECONDS = 45.0
# Offers that a run expires at full speed, and the pause after each second of work beyond them.
_BURST = 10_000
_PAUSE_RATIO = 0.1
# Seconds for a repair while it finds no errors, and its limit while it finds some.
_REPAIR_SLICE = 0.25
_REPAIR_LIMIT = 8.0


def process_expired_offers(budget: WorkBudget | None = None) -> dict[str, Any]:
    """Close the offers whose end has passed, by the index and then by the table, and repair the index.

    Works in bounded batches, each a transaction of its own, until the budget is spent. Without Redis it works by the
    table alone. Returns the statistics of `ExpiryStats`.
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

"""Expiry of offers: the index of their deadlines, and the job that closes those whose time has passed.

The job only tidies. Reads and transitions test the time themselves, so an offer is dead at its `expires_at`
also while no job runs; and every close is guarded, so an extended offer is never closed early.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any

from caching.connections import RedisUnavailable
from caching.deadline_repair import Budget, Repair, repair
from caching.deadlines import DeadlineFamily
from offers.clock import database_now
from offers.sweep import OfferDeadlines, expire_batch, expire_ids

logger = logging.getLogger(__name__)

offer_deadlines = DeadlineFamily("offers")

# Members of the index in one page, and rows of one UPDATE: both are tens of milliseconds.
_PAGE = 1000
_BATCH = 5000
# A run's time in seconds. What is left over waits for the next run, and nobody sees the difference.
_BUDGET = 20.0
# A repair's time in seconds while it finds nothing wrong, and while it does.
_REPAIR_SLICE = 0.25
_REPAIR_LIMIT = 8.0


def track_offer_expiration(offer_id: int, expires_at: datetime) -> bool:
    """Enter a new offer's deadline into the index; False if Redis is away, which the job makes up for."""
    return offer_deadlines.schedule(offer_id, expires_at)


def extend_offer_expiration(offer_id: int, expires_at: datetime) -> bool:
    """Put an offer's deadline in the index off; False if Redis is away, which the job makes up for."""
    return offer_deadlines.schedule(offer_id, expires_at)


def drop_offer_expirations(offer_ids: Sequence[int]) -> bool:
    """Take closed offers out of the index; False if Redis is away, which the job makes up for."""
    return offer_deadlines.cancel(offer_ids)


@dataclass(slots=True)
class Expired:
    """The statistics of a run. `processed` counts index members and rows looked at, `database_updated` offers
    that were closed, `errors` parts of the run that Redis made impossible."""

    processed: int = 0
    database_updated: int = 0
    errors: int = 0
    swept: int = 0
    orphans_removed: int = 0
    rescored: int = 0
    repaired: int = 0
    finished: bool = True


def process_expired_offers(budget: float = _BUDGET, clock: Callable[[], float] = time.monotonic) -> dict[str, Any]:
    """Close the offers whose time has passed, by the index and then by the table, and repair the index.

    Works in bounded batches for at most about `budget` seconds; `finished` says whether nothing was left over.
    Without Redis the table alone is swept.
    """
    stats = Expired()
    start = clock()
    indexed = _try(stats, partial(_expire_indexed, stats, lambda: clock() - start < budget / 2))
    _sweep(stats, lambda: clock() - start < budget)
    if indexed:
        _try(stats, partial(_repair, stats))
    return asdict(stats)


def _try(stats: Expired, part: Callable[[], None]) -> bool:
    try:
        part()
    except RedisUnavailable as error:
        stats.errors += 1
        logger.warning("the index of offer deadlines is away, the table is swept without it: %s", error)
        return False
    return True


def _expire_indexed(stats: Expired, in_time: Callable[[], bool]) -> None:
    offer_deadlines.discard_foreign()
    now = database_now()
    while members := offer_deadlines.due(_PAGE, now):
        ids = [member.id for member in members if member.id is not None]
        expired = set(expire_ids(ids))
        # What is still active was extended, or somebody is busy with it: its own deadline is the right score.
        settled = offer_deadlines.settle(members, OfferDeadlines().deadlines_of(ids))
        stats.processed += len(members)
        stats.database_updated += len(expired)
        stats.rescored += settled.moved
        stats.orphans_removed += max(0, settled.removed - len(expired))
        if not (settled.moved or settled.removed):
            return
        if not in_time():
            stats.finished = False
            return


def _sweep(stats: Expired, in_time: Callable[[], bool]) -> None:
    while expired := expire_batch(_BATCH):
        drop_offer_expirations(expired)
        stats.processed += len(expired)
        stats.swept += len(expired)
        stats.database_updated += len(expired)
        if len(expired) < _BATCH:
            return
        if not in_time():
            stats.finished = False
            return


def _repair(stats: Expired) -> None:
    done: Repair = repair(offer_deadlines, OfferDeadlines(), lambda: Budget(_REPAIR_SLICE, _REPAIR_LIMIT))
    stats.orphans_removed += done.removed
    stats.rescored += done.moved
    stats.repaired += done.entered
    stats.finished &= done.complete

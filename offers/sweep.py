"""The sweep: closes the offers whose end has passed, first by the index, then by the table.

Each batch is one statement and one transaction, guarded by state and time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import TypeVar

from caching.deadlines import Deadline, Member
from caching.jobs import WorkBudget
from caching.redis import REDIS_ERRORS
from offers.clock import database_now
from offers.deadlines import active_offers, drop_offer_expirations, offer_deadlines
from offers.lifecycle import state_machine

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Offers in one transaction, which must be short, since it holds their locks until the commit.
_BATCH = 1000
# Offers that a run closes by the Redis index. The rest is a backlog, which is closed by the table, in the order of its
# partial index. In another order it would leave long runs of dead entries for the next scan of that index to cross.
_MAX_BY_INDEX = 20_000
# Every tenth batch scans the partial index from its start again, so that PostgreSQL can mark the entries just expired
# as dead, a few at a time. A million left to the end would make one scan very slow.
_RESTART_EVERY = 10
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class ExpiryStats:
    """The statistics of a run.

    Index members and rows read; offers closed; parts of the run that failed because Redis was unavailable; index
    members with a wrong deadline, without an active offer, and missing; offers due and still active, at most 100,000.
    """

    processed: int = 0
    database_updated: int = 0
    errors: int = 0
    rescored: int = 0
    orphans: int = 0
    repaired: int = 0
    backlog: int = 0


def expire_due(stats: ExpiryStats, budget: WorkBudget) -> bool:
    """Close the offers whose end has passed, by the index and then by the table; return whether Redis was available."""
    indexed_until = try_redis(stats, partial(_expire_indexed, stats, budget))
    _expire_unindexed(stats, budget, indexed_until)
    return indexed_until is not None


def try_redis(stats: ExpiryStats, part: Callable[[], T]) -> T | None:
    """Run a part that needs Redis. If Redis is unavailable, count an error and return None."""
    try:
        return part()
    except REDIS_ERRORS as error:
        stats.errors += 1
        logger.warning("Redis is unavailable, so the table is swept without the index of deadlines: %s", error)
        return None


def _expire_indexed(stats: ExpiryStats, budget: WorkBudget) -> datetime:
    """Expire the due offers in the index; return the time until which that is complete."""
    offer_deadlines.discard_foreign()
    now = database_now()
    while members := offer_deadlines.due(_BATCH, now):
        with budget.batch(len(members)):
            corrected = _expire_members(stats, members)
        if not corrected or budget.is_half_spent or stats.database_updated >= _MAX_BY_INDEX:
            # The first members of the index are locked by others and would be read again and again; or it is time
            # for the table, which has offers that the index lacks.
            return _NEVER
    return now


def _expire_members(stats: ExpiryStats, members: Sequence[Member]) -> bool:
    """Expire the members that are due by the table, and correct the others; return whether the index changed."""
    ids = [id for member in members if (id := offer_deadlines.id_of(member)) is not None]
    expired = set(state_machine.expire_ids(ids))
    drop_offer_expirations(expired)
    # Offers that are still active were extended or are locked. The deadline of the table is their right score.
    rest = [member for member in members if offer_deadlines.id_of(member) not in expired]
    corrected = offer_deadlines.correct(rest, active_offers.deadlines_of([id for id in ids if id not in expired]))
    stats.processed += len(members)
    stats.database_updated += len(expired)
    stats.rescored += corrected.moved
    stats.orphans += corrected.removed
    return bool(expired or corrected.moved or corrected.removed)


def _expire_unindexed(stats: ExpiryStats, budget: WorkBudget, indexed_until: datetime | None) -> None:
    """Expire the due offers of the table. Those that ended by `indexed_until` should have been in the index."""
    last = None
    for turn in count(1):
        if budget.is_spent:
            return
        with budget.batch(_BATCH):
            expired = _expire_batch(stats, last, indexed_until)
        if len(expired) < _BATCH:
            return
        last = expired[-1] if turn % _RESTART_EVERY else None


def _expire_batch(stats: ExpiryStats, last: Deadline | None, indexed_until: datetime | None) -> Sequence[Deadline]:
    expired = state_machine.expire_batch(_BATCH, last)
    drop_offer_expirations([deadline.id for deadline in expired])
    stats.processed += len(expired)
    stats.database_updated += len(expired)
    stats.repaired += sum(deadline.at <= indexed_until for deadline in expired) if indexed_until else 0
    return expired

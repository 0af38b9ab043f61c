"""Closing offers whose time has passed: those that the index knows, and then those that only the table does.

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

from caching.deadlines.shards import Member
from caching.deadlines.table import Deadline
from caching.jobs.work_budget import WorkBudget
from caching.redis.errors import REDIS_ERRORS
from offers.clock import database_now
from offers.deadlines import active_offers, drop_offer_expirations, offer_deadlines
from offers.lifecycle import state_machine

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Offers of one transaction: some tens of milliseconds, in which nobody waits for them.
_BATCH = 1000
# Offers that a run closes by the index. What is due beyond them is a backlog, which the table has in the order of its
# own index: closed in another one, it would leave stretches there that the next walk has to cross at once.
_MAX_BY_INDEX = 20_000
# Batches of a backlog after which there is one from the beginning of that index, which still has what was just expired.
# Walked through now and then, that is marked as dead and costs the next walk nothing; a million of them, all at once,
# take a second.
_RESTART_EVERY = 10
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class ExpiryStats:
    """The statistics of a run: index members and rows looked at, and offers that were closed; parts of the run that
    Redis made impossible; what was wrong with the index (another deadline than the table, none in the table, missing);
    and the offers that are due and still active, at most a hundred thousand of them."""

    processed: int = 0
    database_updated: int = 0
    errors: int = 0
    rescored: int = 0
    orphans: int = 0
    repaired: int = 0
    backlog: int = 0


def expire_due(stats: ExpiryStats, budget: WorkBudget) -> bool:
    """Close offers whose time has passed, by the index and then by the table; return whether the index was there."""
    indexed_until = try_redis(stats, partial(_expire_indexed, stats, budget))
    _expire_unindexed(stats, budget, indexed_until)
    return indexed_until is not None


def try_redis(stats: ExpiryStats, part: Callable[[], T]) -> T | None:
    """Do a part of the run that needs Redis; None, and an error in the statistics, if Redis was away."""
    try:
        return part()
    except REDIS_ERRORS as error:
        stats.errors += 1
        logger.warning("Redis is unavailable, so the table is swept without the index of deadlines: %s", error)
        return None


def _expire_indexed(stats: ExpiryStats, budget: WorkBudget) -> datetime:
    """Expire what the index knows, and return until when that is done."""
    offer_deadlines.discard_foreign()
    now = database_now()
    while members := offer_deadlines.due(_BATCH, now):
        with budget.batch(len(members)):
            corrected = _expire_claimed(stats, members)
        if not corrected or budget.is_half_spent or stats.database_updated >= _MAX_BY_INDEX:
            # Somebody is busy with those that the index has first, and it would bring them again and again; or it is
            # the table's turn, which knows of offers that the index does not.
            return _NEVER
    return now


def _expire_claimed(stats: ExpiryStats, members: Sequence[Member]) -> bool:
    """Expire those of claimed members that are due and settle all of them; return whether that changed the index."""
    ids = [id for member in members if (id := offer_deadlines.id_of(member)) is not None]
    expired = set(state_machine.expire_ids(ids))
    drop_offer_expirations(expired)
    # What is still active was extended, or somebody is busy with it: its own deadline is the right score.
    rest = [member for member in members if offer_deadlines.id_of(member) not in expired]
    corrected = offer_deadlines.correct(rest, active_offers.deadlines_of([id for id in ids if id not in expired]))
    stats.processed += len(members)
    stats.database_updated += len(expired)
    stats.rescored += corrected.moved
    stats.orphans += corrected.removed
    return bool(expired or corrected.moved or corrected.removed)


def _expire_unindexed(stats: ExpiryStats, budget: WorkBudget, indexed_until: datetime | None) -> None:
    """Expire what the table has beyond that; the index should have brought what ended until `indexed_until`."""
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
    drop_offer_expirations([id for id, _ in expired])
    stats.processed += len(expired)
    stats.database_updated += len(expired)
    stats.repaired += sum(at <= indexed_until for _, at in expired) if indexed_until else 0
    return expired

"""The Redis index of offers' deadlines, and the table that it follows.

An entry is added, moved or removed after the change of the offer has committed. If the process dies in between, or
Redis is unavailable, the index is wrong. `offers.expiration` then works by the table, and repairs the index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from caching.deadlines import Deadline, DeadlineFamily

# Not a setting: the shard of each offer in the index follows from this number.
offer_deadlines = DeadlineFamily("offers", shards=8)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# In microseconds: a repair reads millions of deadlines, and a number is cheaper to parse than a timestamp.
_ACTIVE = "SELECT id, (extract(epoch FROM expires_at) * 1000000)::bigint FROM offers_offer WHERE status = 'active'"
_IN_ORDER = " ORDER BY expires_at, id LIMIT %s"
_OF = _ACTIVE + " AND id = ANY(%s)"
_FIRST = _ACTIVE + _IN_ORDER
_UPCOMING = _ACTIVE + " AND expires_at > (SELECT clock_timestamp())" + _IN_ORDER
_NEXT = _ACTIVE + " AND (expires_at, id) > (%s, %s)" + _IN_ORDER


class ActiveOffers:
    """The deadlines of active offers in the table; implements `caching.deadlines.table.DeadlineTable`."""

    _first = _FIRST

    def deadlines_of(self, ids: Sequence[int]) -> Mapping[int, datetime]:
        """Return the deadlines of those ids that are active."""
        return {id: at for at, id in _deadlines(_OF, list(ids))} if ids else {}

    def page(self, after: Deadline | None, limit: int) -> Sequence[Deadline]:
        """Return up to `limit` active deadlines in order of (deadline, id), only those after `after`."""
        if after is None:
            return _deadlines(self._first, limit)
        return _deadlines(_NEXT, after.at, after.id, limit)


class UpcomingOffers(ActiveOffers):
    """The deadlines of active offers that have not ended yet: the first page starts at now.

    Earlier offers are the sweep's job, and their part of PostgreSQL's index may hold a million dead entries.
    """

    _first = _UPCOMING


def _deadlines(sql: str, *values: Any) -> list[Deadline]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [Deadline(_EPOCH + timedelta(microseconds=at), id) for id, at in cursor.fetchall()]


active_offers = ActiveOffers()
upcoming_offers = UpcomingOffers()


def track_offer_expiration(offer_id: int, expires_at: datetime) -> bool:
    """Add a new offer's deadline to the index. False if Redis is unavailable; the job then repairs the index."""
    return offer_deadlines.schedule(offer_id, expires_at)


def extend_offer_expiration(offer_id: int, expires_at: datetime) -> bool:
    """Move an offer's deadline in the index later. False if Redis is unavailable; the job then repairs the index.

    Of two extensions the later deadline wins, in whatever order they arrive.
    """
    return offer_deadlines.schedule(offer_id, expires_at)


def drop_offer_expirations(offer_ids: Iterable[int]) -> bool:
    """Remove closed offers from the index. False if Redis is unavailable; the job then repairs the index."""
    return offer_deadlines.cancel(offer_ids)

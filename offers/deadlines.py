"""The index of offers' deadlines in Redis, and what the table says they truly are.

An entry is made, moved or taken out once the change of the offer has committed. A process that dies between the two
leaves the index wrong, and so does a Redis that is away; `offers.expiration` works all the same and repairs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from caching.deadlines import Deadline, DeadlineFamily

# Not a setting: offers that are in the index are found by this number of shards.
offer_deadlines = DeadlineFamily("offers", shards=8)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Walks read millions of deadlines, and parsing a timestamp takes several times as long as reading a number.
_ACTIVE = "SELECT id, (extract(epoch FROM expires_at) * 1000000)::bigint FROM offers_offer WHERE status = 'active'"
_IN_ORDER = " ORDER BY expires_at, id LIMIT %s"
_OF = _ACTIVE + " AND id = ANY(%s)"
_FIRST = _ACTIVE + _IN_ORDER
_UPCOMING = _ACTIVE + " AND expires_at > (SELECT clock_timestamp())" + _IN_ORDER
_NEXT = _ACTIVE + " AND (expires_at, id) > (%s, %s)" + _IN_ORDER


class ActiveOffers:
    """What the table knows of live deadlines; a `caching.deadlines.table.DeadlineTable`."""

    _first = _FIRST

    def deadlines_of(self, ids: Sequence[int]) -> Mapping[int, datetime]:
        """Return the deadlines of those ids that are active."""
        return dict(_deadlines(_OF, list(ids))) if ids else {}

    def page(self, after: Deadline | None, limit: int) -> Sequence[Deadline]:
        """Return active deadlines in order of (deadline, id), those after `after` only."""
        if after is None:
            return _deadlines(self._first, limit)
        id, at = after
        return _deadlines(_NEXT, at, id, limit)


class UpcomingOffers(ActiveOffers):
    """The same, but its first page begins at this moment: what has ended is the sweep's, and before it PostgreSQL's
    index still has what was expired lately, which may be a million."""

    _first = _UPCOMING


def _deadlines(sql: str, *values: Any) -> list[Deadline]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [(id, _EPOCH + timedelta(microseconds=at)) for id, at in cursor.fetchall()]


active_offers = ActiveOffers()
upcoming_offers = UpcomingOffers()


def track_offer_expiration(offer_id: int, expires_at: datetime) -> bool:
    """Enter a new offer's deadline into the index; False if Redis is away, which the job makes up for."""
    return offer_deadlines.schedule(offer_id, expires_at)


def extend_offer_expiration(offer_id: int, expires_at: datetime) -> bool:
    """Put an offer's deadline in the index off; False if Redis is away, which the job makes up for.

    Of two extensions the later deadline stands, in whatever order they arrive here.
    """
    return offer_deadlines.schedule(offer_id, expires_at)


def drop_offer_expirations(offer_ids: Iterable[int]) -> bool:
    """Take closed offers out of the index; False if Redis is away, which the job makes up for."""
    return offer_deadlines.cancel(offer_ids)

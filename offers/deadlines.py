"""The index of offers' deadlines in Redis, and what the table says they truly are.

An entry is made, moved or taken out once the change of the offer has committed. A process that dies between the two
leaves the index wrong, and so does a Redis that is away; `offers.expiration` works all the same and repairs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import connection

from caching.deadline_truth import Deadline
from caching.deadlines import DeadlineFamily

# Not a setting: offers that are in the index are found by this number of shards.
offer_deadlines = DeadlineFamily("offers", shards=8)

_OF = "SELECT id, expires_at FROM offers_offer WHERE id = ANY(%s) AND status = 'active'"
_FIRST = "SELECT id, expires_at FROM offers_offer WHERE status = 'active' ORDER BY expires_at, id LIMIT %s"
_NEXT = """
    SELECT id, expires_at FROM offers_offer WHERE status = 'active' AND (expires_at, id) > (%s, %s)
    ORDER BY expires_at, id LIMIT %s
"""


class OfferDeadlines:
    """What the table knows of live deadlines; a `caching.deadline_truth.Truth`."""

    def deadlines_of(self, ids: Sequence[int]) -> Mapping[int, datetime]:
        """Return the deadlines of those ids that are active."""
        if not ids:
            return {}
        with connection.cursor() as cursor:
            cursor.execute(_OF, [list(ids)])
            return dict(cursor.fetchall())

    def page(self, after: Deadline | None, limit: int) -> Sequence[Deadline]:
        """Return active deadlines in order of (deadline, id), those after `after` only."""
        with connection.cursor() as cursor:
            if after is None:
                cursor.execute(_FIRST, [limit])
            else:
                id, at = after
                cursor.execute(_NEXT, [at, id, limit])
            return cursor.fetchall()


offer_truth = OfferDeadlines()


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

"""The statements that close offers whose time has passed. Each is bounded, guarded by state and time, and
passes over rows that somebody else is busy with: whoever that is decides, and the next run looks again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from caching.deadline_repair import Deadline
from offers.models import Offer, OfferStatus

# The clock is a subquery so that it is read once and the partial index on expires_at can be used. An older
# reading is safe here: what was due then is due now, and a row that changed since is tested again.
_EXPIRE = """
    WITH due AS (
        SELECT id FROM offers_offer
        WHERE status = 'active' AND expires_at <= (SELECT clock_timestamp()) {condition}
        ORDER BY expires_at LIMIT %s
        FOR UPDATE SKIP LOCKED
    )
    UPDATE offers_offer AS offer SET status = 'expired', closed_at = offer.expires_at
    FROM due WHERE offer.id = due.id
    RETURNING offer.id
"""


def expire_ids(ids: Sequence[int]) -> list[int]:
    """Expire those of the ids that are due, and return which these were."""
    return _run(_EXPIRE.format(condition="AND id = ANY(%s)"), [list(ids), len(ids)]) if ids else []


def expire_batch(limit: int) -> list[int]:
    """Expire the `limit` offers that have been due for longest, and return their ids."""
    return _run(_EXPIRE.format(condition=""), [limit])


def _run(sql: str, params: list[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [row[0] for row in cursor.fetchall()]


class OfferDeadlines:
    """What the table knows of live deadlines, for the repair of the index; a `caching.deadline_repair.Truth`."""

    def deadlines_of(self, ids: Sequence[int]) -> Mapping[int, datetime]:
        """Return the deadlines of those ids that are active."""
        return dict(self._active().filter(pk__in=ids).values_list("pk", "expires_at")) if ids else {}

    def page(self, after: Deadline | None, limit: int) -> Sequence[Deadline]:
        """Return active deadlines in order of (deadline, id), those after `after` only."""
        rows = self._active()
        if after is not None:
            id, at = after
            # The first condition is what bounds the scan of the index; the second settles ties.
            rows = rows.filter(Q(expires_at__gte=at) & (Q(expires_at__gt=at) | Q(pk__gt=id)))
        return list(rows.order_by("expires_at", "pk").values_list("pk", "expires_at")[:limit])

    def _active(self) -> QuerySet[Offer]:
        return Offer.objects.filter(status=OfferStatus.ACTIVE)

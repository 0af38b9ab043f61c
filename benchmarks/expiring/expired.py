"""Checks that due offers were expired once each, at their own end, and that no other offer was touched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

_NOT_ONCE = """
    WITH expiry AS (SELECT offer_id, count(*) AS times FROM offers_offerevent WHERE kind = 'expired' GROUP BY offer_id)
    SELECT count(*) FROM offers_offer AS offer LEFT JOIN expiry ON expiry.offer_id = offer.id
    WHERE {which} AND (offer.status, offer.closed_at, coalesce(expiry.times, 0))
          IS DISTINCT FROM ('expired', offer.expires_at, 1)
"""
_OTHERS = """
    SELECT count(*), bit_xor(hashtextextended(offer::text, 0)),
           (SELECT count(*) FROM offers_offerevent AS event WHERE event.kind = 'expired'
            AND event.expires_at NOT BETWEEN %(first)s AND %(last)s)
    FROM offers_offer AS offer WHERE offer.expires_at NOT BETWEEN %(first)s AND %(last)s
"""


def not_once(ids: Sequence[int]) -> int:
    """Return how many of the offers were not expired exactly once."""
    return int(_ask(_NOT_ONCE.format(which="offer.id = ANY(%(ids)s)"), {"ids": list(ids)})[0])


def not_once_between(first: datetime, last: datetime) -> int:
    """Return how many of the offers that end in that span were not expired exactly once."""
    which = "offer.expires_at BETWEEN %(first)s AND %(last)s"
    return int(_ask(_NOT_ONCE.format(which=which), {"first": first, "last": last})[0])


def others(first: datetime, last: datetime) -> tuple[Any, ...]:
    """Return a fingerprint of the offers that end at other times, which changes if one of them does."""
    return _ask(_OTHERS, {"first": first, "last": last})


@transaction.atomic
def _ask(sql: str, values: dict[str, Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        # The statement timeout of the settings is meant for requests.
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(sql, values)
        found: tuple[Any, ...] = cursor.fetchone()
        return found

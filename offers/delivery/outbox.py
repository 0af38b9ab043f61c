"""The outbox of offers: claims of due events under a lease, and the settlement of each attempt.

A claim moves `due_at` by the lease in a statement of its own, so no lock is held during a delivery. After a crash the
event is due again once the lease is over. A settlement compares the number of attempts, so it changes nothing if the
event was claimed again. Delivery is at least once, in no guaranteed order. OfferEvent documents the columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection

from offers.delivery.base import Message, Party
from offers.models import OBSOLETE, OfferEvent
from products import money

# The limit of a smallint: an overflow in one event would make the claim fail for all.
_MAX_ATTEMPTS = 32_767
_DUE = """
    SELECT id FROM offers_offerevent WHERE due_at <= (SELECT clock_timestamp())
    ORDER BY due_at, id LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
"""
_CLAIM = f"""
    WITH due AS MATERIALIZED ({_DUE}),
    claimed AS (
        UPDATE offers_offerevent AS event
        SET attempts = least(event.attempts + 1, {_MAX_ATTEMPTS}),
            due_at = clock_timestamp() + make_interval(secs => %(lease)s)
        FROM due WHERE event.id = due.id
        RETURNING event.id, event.attempts, event.kind, event.at, event.expires_at, event.told, event.offer_id
    )
    SELECT claimed.id, claimed.attempts, claimed.kind, claimed.at, claimed.expires_at, claimed.told, clock_timestamp(),
           CASE WHEN offer.id IS NULL THEN 'the offer is gone'
                WHEN claimed.kind <> 'reminder' THEN ''
                WHEN offer.status <> 'active' THEN 'the offer is ' || offer.status
                WHEN offer.expires_at <> claimed.expires_at THEN 'the offer has another end'
                WHEN offer.expires_at <= clock_timestamp() THEN 'the offer has ended'
                ELSE '' END,
           claimed.offer_id, offer.status, offer.amount, offer.currency, offer.product_id, product.title,
           buyer.id, buyer.display_name, buyer.email, seller.id, seller.display_name, seller.email
    FROM claimed
    LEFT JOIN offers_offer AS offer ON offer.id = claimed.offer_id
    LEFT JOIN products_product AS product ON product.id = offer.product_id
    LEFT JOIN accounts_user AS buyer ON buyer.id = offer.buyer_id
    LEFT JOIN accounts_user AS seller ON seller.id = offer.seller_id
    ORDER BY claimed.at, claimed.id
"""  # noqa: S608
# `wait` is null if the settlement is final.
_SETTLE = """
    UPDATE offers_offerevent AS event
    SET due_at = clock_timestamp() + make_interval(secs => settlement.wait),
        delivered_at = CASE WHEN settlement.delivered THEN clock_timestamp() END,
        attempts = event.attempts - settlement.returned::int,
        error = coalesce(settlement.error, event.error),
        told = CASE WHEN settlement.delivered THEN '' ELSE coalesce(nullif(settlement.notified, ''), event.told) END
    FROM unnest(%s::bigint[], %s::int[], %s::boolean[], %s::boolean[], %s::float[], %s::text[], %s::text[])
         AS settlement (id, attempts, delivered, returned, wait, error, notified)
    WHERE event.id = settlement.id AND event.attempts = settlement.attempts AND event.due_at IS NOT NULL
    RETURNING event.id
"""
_DROP = f"""
    WITH due AS MATERIALIZED ({_DUE})
    UPDATE offers_offerevent AS event SET due_at = NULL, error = %(error)s FROM due WHERE event.id = due.id
"""  # noqa: S608
_REQUEUE = """
    UPDATE offers_offerevent SET due_at = clock_timestamp(), attempts = 0
    WHERE id = ANY(%s) AND due_at IS NULL AND delivered_at IS NULL AND error <> ''
"""
_ERROR_CHARS: int = OfferEvent._meta.get_field("error").max_length


class Claim(NamedTuple):
    """A claimed attempt to deliver an event; `obsolete` is the reason not to deliver it any more, or empty.

    `message` is None if the offer was deleted by hand.
    """

    id: int
    attempts: int
    obsolete: str
    message: Message | None


class Settlement(NamedTuple):
    """The outcome of a claimed attempt as it is stored; made by the functions below."""

    id: int
    attempts: int
    delivered: bool = False
    returned: bool = False
    wait: float | None = None
    error: str | None = ""
    notified: str = ""


def claim(limit: int, lease: float) -> list[Claim]:
    """Claim up to `limit` due events for `lease` seconds, the longest due first; return them by age."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"limit": limit, "lease": lease})
        return [_claim(*row) for row in cursor.fetchall()]


def delivered(claim: Claim) -> Settlement:
    """The event was delivered."""
    return Settlement(claim.id, claim.attempts, delivered=True)


def failed(claim: Claim, error: str, wait: float, notified: str = "") -> Settlement:
    """The attempt failed and is retried after `wait` seconds; `notified` is the party that was reached."""
    return Settlement(claim.id, claim.attempts, wait=float(wait), error=_short(error), notified=notified)


def given_up(claim: Claim, error: str, notified: str = "") -> Settlement:
    """The attempt failed and is not retried unless `requeue` is called; `notified` is the party that was reached."""
    return Settlement(claim.id, claim.attempts, error=_short(error), notified=notified)


def obsolete(claim: Claim, why: str) -> Settlement:
    """The event need not be delivered any more."""
    return Settlement(claim.id, claim.attempts, error=_short(OBSOLETE + why))


def returned(claim: Claim) -> Settlement:
    """The event was not attempted: it is due at once, and the attempt does not count."""
    return Settlement(claim.id, claim.attempts, returned=True, wait=0.0, error=None)


def settle(settlements: Sequence[Settlement]) -> set[int]:
    """Store the outcomes of claimed attempts; return the ids of the events whose claim was still valid."""
    if not settlements:
        return set()
    columns: Iterator[tuple[Any, ...]] = zip(*settlements, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, [list(column) for column in columns])
        return {id for (id,) in cursor.fetchall()}


def drop_due(limit: int, why: str) -> int:
    """Mark up to `limit` due events as obsolete without an attempt; return their number."""
    with connection.cursor() as cursor:
        cursor.execute(_DROP, {"limit": limit, "error": _short(OBSOLETE + why)})
        return int(cursor.rowcount)


def requeue(ids: Sequence[int]) -> int:
    """Make given-up or obsolete events due again, with all attempts left; return their number."""
    with connection.cursor() as cursor:
        cursor.execute(_REQUEUE, [list(ids)])
        return int(cursor.rowcount)


def _short(error: str) -> str:
    # PostgreSQL takes no NUL, and a settled event without an error would count as history.
    return (error.replace("\0", "") or "unknown")[:_ERROR_CHARS]


def _claim(
    id: int,
    attempts: int,
    kind: str,
    at: datetime,
    end: datetime,
    notified: str,
    now: datetime,
    obsolete: str,
    offer: int,
    status: str | None,
    amount: Any,
    currency: str,
    product: int,
    title: str,
    *parties: Any,
) -> Claim:
    if status is None:
        return Claim(id, attempts, obsolete, None)
    message = Message(
        # Not the id of the row: the same event would get another one if it happened again after a restore.
        id=f"offer-{offer}-{kind}-{int(end.timestamp())}{end.microsecond:06}",
        event=id,
        kind=kind,
        at=_rfc3339(at),
        offer=offer,
        status=status,
        expires_at=_rfc3339(end),
        amount=money.text(amount, currency),
        currency=currency,
        product=product,
        title=title,
        buyer=Party(*parties[:3]),
        seller=Party(*parties[3:]),
        claimed_at=_rfc3339(now),
        notified=notified,
    )
    return Claim(id, attempts, obsolete, message)


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")

"""The state machine of offers: every statement that changes an offer after it was made is in this file.

    active --- accept   (seller)         -> accepted
           --- decline  (seller, staff)  -> declined    also when the product is sold or withdrawn
           --- withdraw (buyer)          -> withdrawn
           --- expire   (time, staff)    -> expired
           '-- extend   (buyer, staff)   -> active, with another end

A transition is one statement, guarded by state, time and actor on the database's clock, that also writes its event.
PostgreSQL tests the guard again if it waited for a transaction that changed the row, so of two that race the first to
commit wins and the other changes nothing. It does not after a wait for a mere lock: who must not be late locks the row
first. The clock is read when a row is tested, not when its transaction began.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection

from caching.deadlines.table import Deadline
from offers.models import OfferEvent, OfferStatus

Role = OfferEvent.Role


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and as what: a buyer or a seller only on offers of their own, the staff on any."""

    role: OfferEvent.Role
    user: AbstractBaseUser


# The columns of an event; `due_at` is set for what somebody outside is to be told.
_EVENT = "INSERT INTO offers_offerevent (offer_id, kind, at, actor_id, role, expires_at, due_at)"

_CHANGE = """
    WITH changed AS (
        UPDATE offers_offer SET {assignments}
        WHERE id = %(offer)s AND status = 'active' AND expires_at > clock_timestamp() AND {guard}
        RETURNING id, expires_at, coalesce(closed_at, clock_timestamp()) AS at
    )
    {event} SELECT id, %(kind)s, at, %(actor)s, %(role)s, expires_at, {due} FROM changed
"""
_GUARDS = {
    Role.BUYER: "buyer_id = %(actor)s",
    Role.SELLER: "seller_id = %(actor)s",
    Role.STAFF: "true",
}
# The clock of closed_at is read after the guard's, and must not pass the end that the guard was held to.
_CLOSE = "status = %(state)s, closed_at = LEAST(clock_timestamp(), expires_at)"
# One reading for both columns, or an offer could be closed after its end.
_EXPIRE_NOW = "status = 'expired', (expires_at, closed_at) = (SELECT at, at FROM (SELECT clock_timestamp() AS at) AS c)"

_LOCK = "SELECT FROM offers_offer WHERE id = %(offer)s AND status = 'active' AND {guard} FOR NO KEY UPDATE"
_LOCK_ALL = """
    SELECT FROM offers_offer WHERE product_id = ANY(%(products)s) AND status = 'active' ORDER BY id FOR NO KEY UPDATE
"""
# One reading of the clock decides every row, also between an offer's state and the moment it closed.
_CLOSE_ALL = f"""
    WITH clock AS MATERIALIZED (SELECT clock_timestamp() AS at),
    closed AS (
        UPDATE offers_offer AS offer
        SET status = CASE WHEN offer.expires_at > clock.at THEN 'declined' ELSE 'expired' END,
            closed_at = LEAST(clock.at, offer.expires_at)
        FROM clock
        WHERE offer.product_id = ANY(%(products)s) AND offer.status = 'active'
          AND offer.id IS DISTINCT FROM %(except_id)s
        RETURNING offer.id, offer.status, offer.closed_at, offer.expires_at
    ),
    recorded AS (
        {_EVENT}
        SELECT id, status, closed_at, CASE status WHEN 'declined' THEN %(actor)s::bigint END,
               CASE status WHEN 'declined' THEN %(role)s ELSE 'time' END, expires_at,
               CASE status WHEN 'expired' THEN clock_timestamp() END
        FROM closed
    )
    SELECT id FROM closed
"""  # noqa: S608

# The clock is a subquery so that it is read once and the partial index on expires_at can be used. An older
# reading is safe here: what was due then is due now, and a row that changed since is tested again. The job passes
# over rows that somebody is busy with: whoever that is decides, and the next run looks again.
_EXPIRE = f"""
    WITH due AS MATERIALIZED (
        SELECT id FROM offers_offer
        WHERE status = 'active' AND expires_at <= (SELECT clock_timestamp()) AND {{condition}}
        ORDER BY {{order}} LIMIT %(limit)s
        FOR UPDATE {{busy}}
    ),
    expired AS (
        UPDATE offers_offer AS offer SET status = 'expired', closed_at = offer.expires_at
        FROM due WHERE offer.id = due.id
        RETURNING offer.id, offer.expires_at
    ),
    recorded AS (
        {_EVENT} SELECT id, 'expired', expires_at, NULL, 'time', expires_at, clock_timestamp() FROM expired
    )
    SELECT {{wanted}} FROM expired
"""  # noqa: S608
_JOB = {"busy": "SKIP LOCKED"}
_BY_ID = _EXPIRE.format(condition="id = ANY(%(ids)s)", order="id", wanted="id", **_JOB)
_BY_END = {"order": "expires_at, id", "wanted": "expires_at, id", **_JOB}
_FIRST = _EXPIRE.format(condition="true", **_BY_END)
_NEXT = _EXPIRE.format(condition="(expires_at, id) > (%(after_at)s, %(after_id)s)", **_BY_END)
# Passed over, a dead offer would block a new one. So it is waited for; whoever has it never waits for the product.
_OWN = _EXPIRE.format(condition="buyer_id = %(buyer)s AND product_id = %(product)s", order="id", wanted="id", busy="")

_MADE = f"{_EVENT} SELECT id, 'made', created_at, buyer_id, 'buyer', expires_at, NULL FROM offers_offer WHERE id = %s"  # noqa: S608


def close(offer_id: int, state: OfferStatus, actor: Actor) -> bool:
    """Move an active offer to accepted, declined or withdrawn; False if the guard did not let it."""
    return _change(offer_id, _CLOSE, state.value, actor, state=state.value)


def extend(offer_id: int, end: datetime, actor: Actor) -> bool:
    """Give an active offer a later end; False if the guard did not let it, or the end is no later one."""
    return _change(offer_id, "expires_at = %(end)s", "extended", actor, "expires_at < %(end)s", end=end)


def expire_now(offer_id: int, actor: Actor) -> bool:
    """End an active offer's life at this moment; False if the guard did not let it."""
    return _change(offer_id, _EXPIRE_NOW, "expired", actor)


def lock_all_on(product_ids: Sequence[int]) -> None:
    """Lock the active offers on products that the caller has locked, so that nothing need be waited for after it."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_ALL, {"products": list(product_ids)})


def close_all_on(product_ids: Sequence[int], actor: Actor, except_id: int | None = None) -> list[int]:
    """Decline the active offers on products, except one; expire those whose time has passed; return the ids of all.

    The caller has locked the products and then the offers: a clock that was read before a wait would be an old one.
    """
    actor_values = {"role": actor.role.value, "actor": actor.user.pk}
    return [
        id for id, *_ in _fetch(_CLOSE_ALL, {"products": list(product_ids), "except_id": except_id, **actor_values})
    ]


def lock(offer_id: int, actor: Actor) -> None:
    """Wait for whoever is busy with an active offer, and lock it, if it is one that the actor may act on."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK.format(guard=_GUARDS[actor.role]), {"offer": offer_id, "actor": actor.user.pk})


def check_constraints_now() -> None:
    """Have the transaction's keys checked now, one for each event so far, and not between its last guard and commit."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def expire_ids(ids: Sequence[int]) -> list[int]:
    """Expire those of the ids that are due, and return which these were."""
    return [id for (id,) in _fetch(_BY_ID, {"ids": list(ids), "limit": len(ids)})] if ids else []


def expire_batch(limit: int, after: Deadline | None = None) -> list[Deadline]:
    """Expire the `limit` offers that have been due for longest, of those after `after`; return ids and ends in order.

    A run goes on where its last batch ended, since the index still has what that one expired.
    """
    if after is None:
        ended = _fetch(_FIRST, {"limit": limit})
    else:
        after_id, after_at = after
        ended = _fetch(_NEXT, {"limit": limit, "after_id": after_id, "after_at": after_at})
    return [(id, at) for at, id in sorted(ended)]


def expire_own(buyer_id: int, product_id: int) -> list[int]:
    """Expire the buyer's offer on a product if its time has passed: a dead offer must not block a new one."""
    return [id for (id,) in _fetch(_OWN, {"buyer": buyer_id, "product": product_id, "limit": 1})]


def record_made(offer_id: int) -> None:
    """Write the first event of an offer that was just inserted."""
    with connection.cursor() as cursor:
        cursor.execute(_MADE, [offer_id])


def _change(offer_id: int, assignments: str, kind: str, actor: Actor, also: str = "true", **values: Any) -> bool:
    due = "clock_timestamp()" if kind == "expired" else "NULL"
    guard = f"{_GUARDS[actor.role]} AND {also}"
    sql = _CHANGE.format(assignments=assignments, guard=guard, event=_EVENT, due=due)
    actor_values = {"offer": offer_id, "kind": kind, "actor": actor.user.pk, "role": actor.role.value}
    with connection.cursor() as cursor:
        cursor.execute(sql, {**actor_values, **values})
        return bool(cursor.rowcount)


def _fetch(sql: str, values: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()

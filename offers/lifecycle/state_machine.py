"""The state machine of offers: every statement that changes an offer after it was made. docs/offers.md draws it.

A transition is one statement, guarded by state, time and actor, that also writes its event (docs/decisions/0010). Of
two that race, the first to commit wins. docs/decisions/0011 says why a row is locked before its guard reads the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection

from caching.deadlines import Deadline
from offers.models import OfferEvent, OfferStatus

Role = OfferEvent.Role


@dataclass(frozen=True, slots=True)
class Actor:
    """A user and the role they act in: a buyer or a seller on their own offers only, the staff on any."""

    role: OfferEvent.Role
    user: AbstractBaseUser


# The columns of an event; `due_at` is set if the event is to be delivered.
_EVENT = "INSERT INTO offers_offerevent (offer_id, kind, at, actor_id, role, expires_at, due_at)"

# `clock_timestamp()` is evaluated for each row, not when the transaction began. PostgreSQL re-evaluates the guard only
# if the row was changed meanwhile, not if it was merely locked. So a transition that must not be late locks the row
# first.
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
# closed_at reads the clock after the guard does, and must not be later than the end that the guard compared with.
_CLOSE = "status = %(state)s, closed_at = LEAST(clock_timestamp(), expires_at)"
# The clock is read once for both columns, or closed_at could be later than expires_at.
_EXPIRE_NOW = "status = 'expired', (expires_at, closed_at) = (SELECT at, at FROM (SELECT clock_timestamp() AS at) AS c)"

_LOCK = "SELECT FROM offers_offer WHERE id = %(offer)s AND status = 'active' AND {guard} FOR NO KEY UPDATE"
_LOCK_ALL = """
    SELECT FROM offers_offer WHERE product_id = ANY(%(products)s) AND status = 'active' ORDER BY id FOR NO KEY UPDATE
"""
# The clock is read once, for all rows and for both the state and the time of closing.
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

# The clock is a subquery, so that it is read once and can bound the partial index on expires_at. A reading from before
# a wait is safe: an offer that was due then still is, and PostgreSQL re-evaluates the condition if the row changed. The
# job skips locked rows: the transaction that holds the lock decides, and the next run reads the row again.
_EXPIRE = f"""
    WITH due AS MATERIALIZED (
        SELECT id FROM offers_offer
        WHERE status = 'active' AND expires_at <= (SELECT clock_timestamp()) AND {{condition}}
        ORDER BY {{order}} LIMIT %(limit)s
        FOR UPDATE {{on_locked}}
    ),
    expired AS (
        UPDATE offers_offer AS offer SET status = 'expired', closed_at = offer.expires_at
        FROM due WHERE offer.id = due.id
        RETURNING offer.id, offer.expires_at
    ),
    recorded AS (
        {_EVENT} SELECT id, 'expired', expires_at, NULL, 'time', expires_at, clock_timestamp() FROM expired
    )
    SELECT {{returned}} FROM expired
"""  # noqa: S608
_JOB = {"on_locked": "SKIP LOCKED"}
_BY_ID = _EXPIRE.format(condition="id = ANY(%(ids)s)", order="id", returned="id", **_JOB)
_BY_END = {"order": "expires_at, id", "returned": "expires_at, id", **_JOB}
_FIRST = _EXPIRE.format(condition="true", **_BY_END)
_NEXT = _EXPIRE.format(condition="(expires_at, id) > (%(after_at)s, %(after_id)s)", **_BY_END)
# This one waits for locks: an expired offer that was skipped would block the new one in the unique index. There is no
# deadlock, since no transaction waits for a product while it holds a lock on an offer.
_OF_BUYER = {"condition": "buyer_id = %(buyer)s AND product_id = %(product)s", "order": "id", "returned": "id"}
_OWN = _EXPIRE.format(on_locked="", **_OF_BUYER)

_MADE = f"{_EVENT} SELECT id, 'made', created_at, buyer_id, 'buyer', expires_at, NULL FROM offers_offer WHERE id = %s"  # noqa: S608


def close(offer_id: int, state: OfferStatus, actor: Actor) -> bool:
    """Move an active offer to accepted, declined or withdrawn; False if the guard refused."""
    return _change(offer_id, _CLOSE, state.value, actor, state=state.value)


def extend(offer_id: int, end: datetime, actor: Actor) -> bool:
    """Give an active offer a later end; False if the guard refused, or `end` is no later than the present one."""
    return _change(offer_id, "expires_at = %(end)s", "extended", actor, "expires_at < %(end)s", end=end)


def expire_now(offer_id: int, actor: Actor) -> bool:
    """Expire an active offer now; False if the guard refused."""
    return _change(offer_id, _EXPIRE_NOW, "expired", actor)


def lock_all_on(product_ids: Sequence[int]) -> None:
    """Lock the active offers on products that the caller has locked, so that later statements need not wait."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_ALL, {"products": list(product_ids)})


def close_all_on(product_ids: Sequence[int], actor: Actor, except_id: int | None = None) -> list[int]:
    """Decline the active offers on products, except one, or expire them if their end has passed; return all their ids.

    The caller must have locked the products and then the offers: the statement reads the clock once, and must not wait
    for a lock after that.
    """
    actor_values = {"role": actor.role.value, "actor": actor.user.pk}
    return [
        id for id, *_ in _fetch(_CLOSE_ALL, {"products": list(product_ids), "except_id": except_id, **actor_values})
    ]


def lock(offer_id: int, actor: Actor) -> None:
    """Lock an active offer, waiting for other transactions, if the actor may act on it."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK.format(guard=_GUARDS[actor.role]), {"offer": offer_id, "actor": actor.user.pk})


def check_constraints_now() -> None:
    """Check the foreign keys of the transaction's events now, and not between its last guard and the commit."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def expire_ids(ids: Sequence[int]) -> list[int]:
    """Expire the offers among `ids` that are due; return their ids."""
    return [id for (id,) in _fetch(_BY_ID, {"ids": list(ids), "limit": len(ids)})] if ids else []


def expire_batch(limit: int, after: Deadline | None = None) -> list[Deadline]:
    """Expire the `limit` offers that have been due for longest, of those after `after`; return them in order.

    A run passes the last offer of its previous batch as `after`, so that it does not scan the dead entries that the
    batch left in the index.
    """
    if after is None:
        ended = _fetch(_FIRST, {"limit": limit})
    else:
        ended = _fetch(_NEXT, {"limit": limit, "after_id": after.id, "after_at": after.at})
    return sorted(map(Deadline._make, ended))


def expire_own(buyer_id: int, product_id: int) -> list[int]:
    """Expire the buyer's offer on a product if its end has passed, so that it does not block a new one."""
    return [id for (id,) in _fetch(_OWN, {"buyer": buyer_id, "product": product_id, "limit": 1})]


def record_made(offer_id: int) -> None:
    """Record the first event of an offer that was just inserted."""
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

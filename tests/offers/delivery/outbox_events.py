"""Events in the outbox: helpers that make, claim and read them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from offers.clock import database_now
from offers.delivery import outbox
from offers.models import OfferEvent
from tests.factories import OfferEventFactory

LEASE = 60.0


MINUTE = timedelta(minutes=1)


INSTANT = timedelta(microseconds=1)


def due(**values: Any) -> OfferEvent:
    return OfferEventFactory(due_at=database_now(), **values)


def claim_one() -> outbox.Claim:
    (claim,) = outbox.claim(10, LEASE)
    return claim


def forget(*events: OfferEvent) -> None:
    """Delete the offers of events in SQL, which leaves the events: there is no foreign key constraint."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM offers_offer WHERE id = ANY(%s)", [[event.offer_id for event in events]])


def state(event: OfferEvent) -> tuple[datetime | None, int, datetime | None, str]:
    event.refresh_from_db()
    return event.due_at, event.attempts, event.delivered_at, event.error

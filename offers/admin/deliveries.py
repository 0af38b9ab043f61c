"""The state of an event's delivery, as a condition and as text. OfferEvent documents the columns."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from offers.formatting import moment
from offers.models import OBSOLETE, OfferEvent


class DeliveryState(models.TextChoices):
    """States of the delivery of an event."""

    WAITING = "waiting", "Waiting"
    DELIVERED = "delivered", "Delivered"
    GIVEN_UP = "given_up", "Given up"
    OBSOLETE = "obsolete", "Obsolete"
    NONE = "none", "No delivery"


def undelivered() -> Q:
    """Return the condition that the delivery of an event ended without success: given up or obsolete."""
    return Q(due_at__isnull=True, delivered_at__isnull=True) & ~Q(error="")


def in_delivery_state(delivery: str) -> Q:
    """Return the condition that the delivery of an event is in one of DeliveryState."""
    if delivery == DeliveryState.WAITING:
        return Q(due_at__isnull=False)
    if delivery == DeliveryState.DELIVERED:
        return Q(delivered_at__isnull=False)
    if delivery == DeliveryState.GIVEN_UP:
        return undelivered() & ~Q(error__startswith=OBSOLETE)
    if delivery == DeliveryState.OBSOLETE:
        return undelivered() & Q(error__startswith=OBSOLETE)
    return Q(due_at__isnull=True, delivered_at__isnull=True, error="")


def delivery_label(event: OfferEvent) -> str:
    """Return the state of the delivery of an event, and the reason."""
    if event.due_at is not None:
        tried = f", attempt {event.attempts} failed: {event.error}" if event.error else ""
        return f"Waiting, due {moment(event.due_at)}{tried}"
    if event.delivered_at is not None:
        return f"Delivered {moment(event.delivered_at)}"
    if event.error.startswith(OBSOLETE):
        return f"Obsolete: {event.error.removeprefix(OBSOLETE)}"
    return f"Given up: {event.error}" if event.error else "-"

"""Reading offers in their effective state: past its end an offer reads as expired, whether or not the job has run.

The time is `Now()`, which is constant within a statement, so all columns and rows agree. An offer is expired from
exactly `expires_at` on.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Now

from offers.models import Offer, OfferStatus

PartyRole = Literal["buyer", "seller"]


def past_due() -> Q:
    """Return the condition that an offer is past its end and the job has not closed it yet."""
    return Q(status=OfferStatus.ACTIVE, expires_at__lte=Now())


def alive() -> Q:
    """Return the condition that an offer can still be acted on."""
    return Q(status=OfferStatus.ACTIVE, expires_at__gt=Now())


def in_state(state: str) -> Q:
    """Return the condition that the effective state of an offer is `state`, one of OfferStatus."""
    if state == OfferStatus.ACTIVE:
        return alive()
    if state == OfferStatus.EXPIRED:
        return Q(status=OfferStatus.EXPIRED) | past_due()
    return Q(status=state)


def offers() -> QuerySet[Offer]:
    """Return all offers, each with `effective_status` and `effective_closed_at`."""
    return Offer.objects.annotate(
        effective_status=Case(When(past_due(), then=Value(OfferStatus.EXPIRED.value)), default=F("status")),
        effective_closed_at=Case(When(past_due(), then=F("expires_at")), default=F("closed_at")),
    )


def offers_of(user: AbstractBaseUser, role: PartyRole | None = None) -> QuerySet[Offer]:
    """Return the offers that a user made (buyer) or received (seller); without a role both."""
    if role is None:
        return offers().filter(Q(buyer=user) | Q(seller=user))
    return offers().filter(**{role: user})


def expiring_soon(user: AbstractBaseUser, within: int, role: PartyRole | None = None) -> QuerySet[Offer]:
    """Return the user's live offers that expire within `within` seconds, soonest first."""
    soon = offers_of(user, role).filter(alive(), expires_at__lte=Now() + timedelta(seconds=within))
    return soon.order_by("expires_at", "id")

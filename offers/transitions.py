"""What can happen to one offer. Each transition is one UPDATE guarded by state and time, decided by the
database's clock: of two that race, the first to commit wins and the other is told the offer's true state.
"""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Least, Now
from django.http import Http404
from rest_framework.exceptions import APIException, ValidationError

from offers.clock import ClockTimestamp, database_now
from offers.errors import NotTheBuyer, OfferClosed, OfferExpired
from offers.expiration import drop_offer_expirations, extend_offer_expiration
from offers.lifetime import Lifetime
from offers.models import Offer, OfferStatus
from offers.selectors import Role, offers, offers_of
from products.errors import NotTheSeller

# Whoever acts: the buyer or the seller by that name, or nobody in particular for the staff.
Actor = dict[str, AbstractBaseUser]

_NOT_THE_SELLER = "Only the seller who received this offer can do that."


@transaction.atomic
def withdraw(offer_id: int, buyer: AbstractBaseUser) -> Offer:
    """Take an offer back. Raises Http404, NotTheBuyer, OfferClosed or OfferExpired."""
    return close(offer_id, OfferStatus.WITHDRAWN, {"buyer": buyer})


@transaction.atomic
def decline(offer_id: int, seller: AbstractBaseUser | None) -> Offer:
    """Turn an offer down, for its seller or (None) the staff. Raises like `withdraw`, but NotTheSeller."""
    return close(offer_id, OfferStatus.DECLINED, _actor("seller", seller))


@transaction.atomic
def expire_now(offer_id: int) -> Offer:
    """End an offer's life at this moment, for the staff. Raises Http404, OfferClosed or OfferExpired."""
    if not _guarded(offer_id, {}).update(status=OfferStatus.EXPIRED, expires_at=Now(), closed_at=Now()):
        raise refusal(offer_id, {})
    return _closed(offer_id)


@transaction.atomic
def extend(offer_id: int, buyer: AbstractBaseUser | None, lifetime: Lifetime) -> Offer:
    """Put an offer's end off, for its buyer or (None) the staff.

    Raises like `withdraw`, and ValidationError unless the new end is later and within bounds.
    """
    actor = _actor("buyer", buyer)
    end = lifetime.end(database_now())
    if not _guarded(offer_id, actor).filter(expires_at__lt=end).update(expires_at=end):
        raise refusal(offer_id, actor, not_later=lifetime.field)
    transaction.on_commit(lambda: extend_offer_expiration(offer_id, end), robust=True)
    return offers().get(pk=offer_id)


def close(offer_id: int, state: OfferStatus, actor: Actor) -> Offer:
    """Move a live offer of the actor to a final state, inside the caller's transaction; raises the refusal."""
    # The clock of closed_at is read after the guard's, and must not pass the end that the guard was held to.
    closed_at = Least(ClockTimestamp(), F("expires_at"))
    if not _guarded(offer_id, actor).update(status=state, closed_at=closed_at):
        raise refusal(offer_id, actor)
    return _closed(offer_id)


def refusal(offer_id: int, actor: Actor, not_later: str | None = None) -> APIException | Http404:
    """Return why a guarded UPDATE of the offer touched nothing; `not_later` names the field of a new end."""
    visible = offers_of(next(iter(actor.values()))) if actor else offers()
    offer = visible.filter(pk=offer_id).first()
    if offer is None:
        return Http404(f"There is no offer {offer_id}.")
    for role, user in actor.items():
        if getattr(offer, f"{role}_id") != user.pk:
            return NotTheBuyer() if role == "buyer" else NotTheSeller(_NOT_THE_SELLER)
    state = offer.effective_status
    if state == OfferStatus.ACTIVE and not_later:
        return ValidationError({not_later: ["An extension must end later than the offer does now."]})
    kind = OfferExpired if state == OfferStatus.EXPIRED else OfferClosed
    return kind(state, offer.effective_closed_at)


def _actor(role: Role, user: AbstractBaseUser | None) -> Actor:
    return {} if user is None else {role: user}


def _guarded(offer_id: int, actor: Actor) -> QuerySet[Offer]:
    return Offer.objects.filter(pk=offer_id, status=OfferStatus.ACTIVE, expires_at__gt=ClockTimestamp(), **actor)


def _closed(offer_id: int) -> Offer:
    transaction.on_commit(lambda: drop_offer_expirations([offer_id]), robust=True)
    return offers().get(pk=offer_id)

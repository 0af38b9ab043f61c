"""What people do with one offer: a transition of the state machine, its refusal, and the index that follows it."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.http import Http404
from rest_framework.exceptions import APIException, ValidationError

from offers import state_machine
from offers.clock import database_now
from offers.deadlines import drop_offer_expirations, extend_offer_expiration
from offers.errors import NotTheBuyer, OfferClosed, OfferExpired
from offers.lifetime import Lifetime
from offers.models import Offer, OfferStatus
from offers.selectors import offers, offers_of
from offers.state_machine import Actor, Role
from products.errors import NotTheSeller

_NOT_THE_SELLER = "Only the seller who received this offer can do that."


@transaction.atomic
def withdraw(offer_id: int, buyer: AbstractBaseUser) -> Offer:
    """Take an offer back. Raises Http404, NotTheBuyer, OfferClosed or OfferExpired."""
    return close(offer_id, OfferStatus.WITHDRAWN, Actor(Role.BUYER, buyer))


@transaction.atomic
def decline(offer_id: int, actor: Actor) -> Offer:
    """Turn an offer down, as its seller or the staff. Raises like `withdraw`, but NotTheSeller."""
    return close(offer_id, OfferStatus.DECLINED, actor)


@transaction.atomic
def expire_now(offer_id: int, staff: AbstractBaseUser) -> Offer:
    """End an offer's life at this moment, as the staff. Raises Http404, OfferClosed or OfferExpired."""
    actor = Actor(Role.STAFF, staff)
    if not state_machine.expire_now(offer_id, actor):
        raise refusal(offer_id, actor)
    return _closed(offer_id)


@transaction.atomic
def extend(offer_id: int, actor: Actor, lifetime: Lifetime) -> Offer:
    """Put an offer's end off, as its buyer or the staff.

    Raises like `withdraw`, and ValidationError unless the new end is later and within bounds.
    """
    end = lifetime.end(database_now())
    if not state_machine.extend(offer_id, end, actor):
        raise refusal(offer_id, actor, not_later=lifetime.field)
    transaction.on_commit(lambda: extend_offer_expiration(offer_id, end), robust=True)
    return offers().get(pk=offer_id)


def close(offer_id: int, state: OfferStatus, actor: Actor) -> Offer:
    """Move a live offer of the actor to a final state, inside the caller's transaction; raises the refusal."""
    if not state_machine.close(offer_id, state, actor):
        raise refusal(offer_id, actor)
    return _closed(offer_id)


def refusal(offer_id: int, actor: Actor, not_later: str | None = None) -> APIException | Http404:
    """Return why a transition of the offer changed nothing; `not_later` names the field of a new end."""
    visible = (offers() if actor.role == Role.STAFF else offers_of(actor.user)).filter(pk=offer_id)
    offer = visible.first()
    if offer is not None and offer.status == OfferStatus.ACTIVE:
        # Somebody may have acted in time and be about to commit: what is answered here stays true.
        state_machine.lock(offer_id)
        offer = visible.first()
    if offer is None:
        return Http404(f"There is no offer {offer_id}.")
    if actor.role == Role.BUYER and offer.buyer_id != actor.user.pk:
        return NotTheBuyer()
    if actor.role == Role.SELLER and offer.seller_id != actor.user.pk:
        return NotTheSeller(_NOT_THE_SELLER)
    state = offer.effective_status
    if state == OfferStatus.ACTIVE and not_later:
        return ValidationError({not_later: ["An extension must end later than the offer does now."]})
    kind = OfferExpired if state == OfferStatus.EXPIRED else OfferClosed
    return kind(state, offer.effective_closed_at)


def _closed(offer_id: int) -> Offer:
    transaction.on_commit(lambda: drop_offer_expirations([offer_id]), robust=True)
    return offers().get(pk=offer_id)

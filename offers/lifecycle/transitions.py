"""Actions of users on one offer: the transition, its refusal, and the update of the index after the commit."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.http import Http404

from offers.clock import database_now
from offers.deadlines import drop_offer_expirations, extend_offer_expiration
from offers.errors import NotTheBuyer, OfferClosed, OfferExpired
from offers.lifecycle import state_machine
from offers.lifecycle.lifetime import Lifetime
from offers.lifecycle.state_machine import Actor, Role
from offers.models import Offer, OfferStatus
from offers.selectors import offers, offers_of
from products.errors import InvalidInput, NotTheSeller, Refusal

_NOT_THE_SELLER = "Only the seller who received this offer can do that."


@transaction.atomic
def withdraw(offer_id: int, buyer: AbstractBaseUser) -> Offer:
    """Withdraw an offer. Raises Http404, NotTheBuyer, OfferClosed or OfferExpired."""
    return close(offer_id, OfferStatus.WITHDRAWN, Actor(Role.BUYER, buyer))


@transaction.atomic
def decline(offer_id: int, actor: Actor) -> Offer:
    """Decline an offer, as its seller or the staff. Raises Http404, NotTheSeller, OfferClosed or OfferExpired."""
    return close(offer_id, OfferStatus.DECLINED, actor)


@transaction.atomic
def expire_now(offer_id: int, staff: AbstractBaseUser) -> Offer:
    """Expire an offer now, as the staff. Raises Http404, OfferClosed or OfferExpired."""
    actor = Actor(Role.STAFF, staff)
    _change_or_refuse(lambda: state_machine.expire_now(offer_id, actor), offer_id, actor)
    return _closed_offer(offer_id)


@transaction.atomic
def extend(offer_id: int, actor: Actor, lifetime: Lifetime) -> Offer:
    """Extend an offer, as its buyer or the staff.

    Raises Http404, NotTheBuyer, OfferClosed, OfferExpired, and InvalidInput unless the new end is later and in bounds.
    """
    end = lifetime.end(database_now())
    _change_or_refuse(lambda: state_machine.extend(offer_id, end, actor), offer_id, actor, not_later=lifetime.field)
    transaction.on_commit(lambda: extend_offer_expiration(offer_id, end), robust=True)
    return offers().get(pk=offer_id)


def close(offer_id: int, state: OfferStatus, actor: Actor) -> Offer:
    """Move a live offer of the actor to a final state, in the caller's transaction. Raises the refusal."""
    _change_or_refuse(lambda: state_machine.close(offer_id, state, actor), offer_id, actor)
    return _closed_offer(offer_id)


def find(offer_id: int, actor: Actor) -> Offer:
    """Return an offer that the actor may act on, whatever its state. Raises Http404, NotTheBuyer or NotTheSeller."""
    visible = offers() if actor.role == Role.STAFF else offers_of(actor.user)
    offer = visible.filter(pk=offer_id).first()
    if offer is None:
        raise Http404(f"There is no offer {offer_id}.")
    if actor.role == Role.BUYER and offer.buyer_id != actor.user.pk:
        raise NotTheBuyer
    if actor.role == Role.SELLER and offer.seller_id != actor.user.pk:
        raise NotTheSeller(_NOT_THE_SELLER)
    return offer


def refusal(offer: Offer, not_later: str | None = None) -> Refusal:
    """Return the refusal of an action on an offer; `not_later` is the field of the new end of an extension."""
    state = offer.effective_status
    if state == OfferStatus.ACTIVE and not_later:
        return InvalidInput(not_later, "An extension must end later than the offer does now.")
    kind = OfferExpired if state == OfferStatus.EXPIRED else OfferClosed
    return kind(state, offer.effective_closed_at)


def _change_or_refuse(change: Callable[[], bool], offer_id: int, actor: Actor, not_later: str | None = None) -> None:
    """Apply a guarded change, or raise the refusal."""
    # Lock first: the guard then reads the clock after the wait, and no transaction in time can commit after a refusal.
    state_machine.lock(offer_id, actor)
    if not change():
        raise refusal(find(offer_id, actor), not_later)


def _closed_offer(offer_id: int) -> Offer:
    transaction.on_commit(lambda: drop_offer_expirations([offer_id]), robust=True)
    return offers().get(pk=offer_id)

"""What people do with one offer: a transition of the state machine, its refusal, and the index that follows it."""

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
    _change_or_refuse(lambda: state_machine.expire_now(offer_id, actor), offer_id, actor)
    return _closed_offer(offer_id)


@transaction.atomic
def extend(offer_id: int, actor: Actor, lifetime: Lifetime) -> Offer:
    """Put an offer's end off, as its buyer or the staff.

    Raises like `withdraw`, and InvalidInput unless the new end is later and within bounds.
    """
    end = lifetime.end(database_now())
    _change_or_refuse(lambda: state_machine.extend(offer_id, end, actor), offer_id, actor, not_later=lifetime.field)
    transaction.on_commit(lambda: extend_offer_expiration(offer_id, end), robust=True)
    return offers().get(pk=offer_id)


def close(offer_id: int, state: OfferStatus, actor: Actor) -> Offer:
    """Move a live offer of the actor to a final state, inside the caller's transaction; raises the refusal."""
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
    """Return why nothing can be done with an offer; `not_later` names the field of a new end."""
    state = offer.effective_status
    if state == OfferStatus.ACTIVE and not_later:
        return InvalidInput(not_later, "An extension must end later than the offer does now.")
    kind = OfferExpired if state == OfferStatus.EXPIRED else OfferClosed
    return kind(state, offer.effective_closed_at)


def _change_or_refuse(change: Callable[[], bool], offer_id: int, actor: Actor, not_later: str | None = None) -> None:
    """Make a change whose guard decides, or raise its refusal."""
    # First, so that the guard looks at the clock after all waiting, and nobody else can still make a refusal untrue.
    state_machine.lock(offer_id, actor)
    if not change():
        raise refusal(find(offer_id, actor), not_later)


def _closed_offer(offer_id: int) -> Offer:
    transaction.on_commit(lambda: drop_offer_expirations([offer_id]), robust=True)
    return offers().get(pk=offer_id)

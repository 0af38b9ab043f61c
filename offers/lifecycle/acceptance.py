"""Accepting an offer, and declining the offers on a product that is closed.

A transaction that changes a product and its offers locks the product first. So these transactions queue up instead of
deadlocking, and no offer is made or accepted on a product that is being sold (docs/decisions/0011).
"""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from caching import invalidate
from offers.clock import ClockTimestamp
from offers.deadlines import drop_offer_expirations
from offers.errors import ProductNotAvailable
from offers.lifecycle.state_machine import Actor, Role, check_constraints_now, close_all_on, lock_all_on
from offers.lifecycle.transitions import close, find, refusal
from offers.models import Offer, OfferStatus
from products.cache import products
from products.models import Product, ProductStatus


@transaction.atomic
def accept(offer_id: int, seller: AbstractBaseUser) -> Offer:
    """Accept an offer: its product is sold, and every other active offer on the product is declined.

    Raises Http404, NotTheSeller, OfferClosed, OfferExpired or ProductNotAvailable, and then changes nothing.
    """
    actor = Actor(Role.SELLER, seller)
    offer = find(offer_id, actor)
    if offer.status != OfferStatus.ACTIVE:
        raise refusal(offer)
    product = Product.objects.select_for_update(no_key=True).get(pk=offer.product_id)
    lock_all_on([product.pk])
    offer = find(offer_id, actor)
    if offer.effective_status != OfferStatus.ACTIVE:
        raise refusal(offer)
    if product.status != ProductStatus.AVAILABLE:
        raise ProductNotAvailable
    _sell(product.pk, offer_id, actor)
    # Last, because its guard decides: if the offer's end passes before the commit, others read it as expired meanwhile.
    return close(offer_id, OfferStatus.ACCEPTED, actor)


def _sell(product_id: int, offer_id: int, actor: Actor) -> None:
    _decline_all_on([product_id], actor, except_id=offer_id)
    Product.objects.filter(pk=product_id).update(status=ProductStatus.SOLD, updated_at=ClockTimestamp())
    invalidate(products, [product_id])
    check_constraints_now()


def decline_all_on(product_ids: Sequence[int], actor: Actor) -> None:
    """Decline the active offers on products that the caller's transaction has locked.

    Offers whose end has passed become expired instead.
    """
    lock_all_on(product_ids)
    _decline_all_on(product_ids, actor)


def _decline_all_on(product_ids: Sequence[int], actor: Actor, except_id: int | None = None) -> None:
    closed = close_all_on(product_ids, actor, except_id)
    transaction.on_commit(lambda: drop_offer_expirations(closed), robust=True)

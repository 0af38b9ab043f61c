"""Accepting an offer, and what the end of a product means for the offers on it.

Whoever touches a product and its offers locks the product first, so that these transactions queue up instead
of deadlocking, and none can make or accept an offer on a product that is just being sold.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from offers.clock import ClockTimestamp
from offers.deadlines import drop_offer_expirations
from offers.errors import ProductNotAvailable
from offers.models import Offer, OfferStatus
from offers.state_machine import Actor, Role, close_all_on, lock_all_on
from offers.transitions import close, refusal
from products.cache import invalidate_products
from products.models import Product, ProductStatus


@transaction.atomic
def accept(offer_id: int, seller: AbstractBaseUser) -> Offer:
    """Accept an offer: its product is sold, and every other active offer on the product is declined.

    Raises Http404, NotTheSeller, OfferClosed, OfferExpired or ProductNotAvailable, and then changes nothing.
    """
    actor = Actor(Role.SELLER, seller)
    product_id = Offer.objects.filter(pk=offer_id, seller=seller).values_list("product_id", flat=True).first()
    if product_id is None:
        raise refusal(offer_id, actor)
    product = Product.objects.select_for_update(no_key=True).get(pk=product_id)
    is_available = product.status == ProductStatus.AVAILABLE
    if is_available:
        _sell(product_id, offer_id, actor)
    # Last of all, so that nothing but the commit comes after its guard: until then others read what time says.
    offer = close(offer_id, OfferStatus.ACCEPTED, actor)
    if not is_available:
        raise ProductNotAvailable
    return offer


def _sell(product_id: int, offer_id: int, actor: Actor) -> None:
    decline_all_on([product_id], actor, spared=offer_id)
    Product.objects.filter(pk=product_id).update(status=ProductStatus.SOLD, updated_at=ClockTimestamp())
    invalidate_products([product_id])


def decline_all_on(product_ids: Sequence[int], actor: Actor, spared: int | None = None) -> None:
    """Decline the active offers, except one, on products that the caller's transaction has locked.

    Those whose time has passed become expired instead.
    """
    lock_all_on(product_ids)
    closed = close_all_on(product_ids, actor, spared)
    transaction.on_commit(lambda: drop_offer_expirations(closed), robust=True)

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
from offers.state_machine import Actor, Role, close_all_on
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
    offer = close(offer_id, OfferStatus.ACCEPTED, actor)
    if product.status != ProductStatus.AVAILABLE:
        raise ProductNotAvailable
    Product.objects.filter(pk=product_id).update(status=ProductStatus.SOLD, updated_at=ClockTimestamp())
    invalidate_products([product_id])
    decline_all_on([product_id], actor)
    return offer


def decline_all_on(product_ids: Sequence[int], actor: Actor) -> list[int]:
    """Decline the active offers on products that the caller's transaction has locked, and return their ids.

    Those whose time has passed become expired instead.
    """
    closed = close_all_on(product_ids, actor)
    transaction.on_commit(lambda: drop_offer_expirations(closed), robust=True)
    return closed

"""Demo offers: some in every state, on demo products, so that each list and filter has something to show."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from django.db import transaction

from offers.expiration import track_offer_expiration
from offers.models import Offer, OfferStatus
from products.cache import invalidate_products
from products.demo.seeding import Demo
from products.models import Product, ProductStatus

# Active offers outnumber the others; some of them run out while somebody is looking.
STATES = (
    *[OfferStatus.ACTIVE] * 4,
    OfferStatus.ACCEPTED,
    OfferStatus.DECLINED,
    OfferStatus.WITHDRAWN,
    OfferStatus.EXPIRED,
)
MESSAGES = ("", "Would you take this?", "I could collect it tomorrow.", "Is it still for sale?")


def seed_offers(demo: Demo, count: int, now: datetime, seed: int = 1) -> int:
    """Make up to `count` offers, one a product, and return their number. Call it inside the demo's transaction."""
    random = Random(seed)
    products = random.sample(demo.products, min(count, len(demo.products)))
    offers = Offer.objects.bulk_create(
        _offer(random, product, random.choice(demo.buyers), STATES[place % len(STATES)], now)
        for place, product in enumerate(products)
    )
    sold = [offer.product_id for offer in offers if offer.status == OfferStatus.ACCEPTED]
    Product.objects.filter(pk__in=sold).update(status=ProductStatus.SOLD, updated_at=now)
    invalidate_products(sold)
    transaction.on_commit(lambda: _track(offers), robust=True)
    return len(offers)


def _offer(random: Random, product: Product, buyer: object, status: OfferStatus, now: datetime) -> Offer:
    lifetime = timedelta(seconds=random.randint(600, 7 * 24 * 3600))
    if status is OfferStatus.ACTIVE:
        created_at, closed_at = now - timedelta(seconds=random.randint(0, 3600)), None
        expires_at = now + lifetime
    else:
        created_at = now - lifetime - timedelta(seconds=random.randint(60, 3600))
        expires_at = created_at + lifetime
        closed_at = expires_at if status is OfferStatus.EXPIRED else created_at + lifetime * random.random()
    return Offer(
        product=product,
        buyer=buyer,
        seller_id=product.seller_id,
        amount=(product.price * Decimal(random.randint(60, 100)) / 100).quantize(Decimal("0.01")),
        currency=product.currency,
        message=random.choice(MESSAGES),
        status=status,
        created_at=created_at,
        expires_at=expires_at,
        closed_at=closed_at,
    )


def _track(offers: list[Offer]) -> None:
    for offer in offers:
        if offer.status == OfferStatus.ACTIVE:
            track_offer_expiration(offer.pk, offer.expires_at)

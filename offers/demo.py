"""Demo offers on demo products: some in every state, so that each list and filter has rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from django.db import transaction

from caching import invalidate
from caching.deadlines import Deadline
from offers.deadlines import offer_deadlines
from offers.models import Offer, OfferEvent, OfferStatus
from products import cache
from products.demo.seeding import Demo
from products.models import Product, ProductStatus

# Half are active. Some of these expire while the demo is in use.
STATES = (
    *[OfferStatus.ACTIVE] * 4,
    OfferStatus.ACCEPTED,
    OfferStatus.DECLINED,
    OfferStatus.WITHDRAWN,
    OfferStatus.EXPIRED,
)
MESSAGES = ("", "Would you take this?", "I could collect it tomorrow.", "Is it still for sale?")


def seed_offers(demo: Demo, count: int, now: datetime, seed: int = 1) -> int:
    """Make up to `count` offers, one for each product, in the caller's transaction; return their number."""
    random = Random(seed)
    products = random.sample(demo.products, min(count, len(demo.products)))
    offers = Offer.objects.bulk_create(
        _offer(random, product, random.choice(demo.buyers), STATES[place % len(STATES)], now)
        for place, product in enumerate(products)
    )
    OfferEvent.objects.bulk_create(event for offer in offers for event in _events(offer))
    sold = [offer.product_id for offer in offers if offer.status == OfferStatus.ACCEPTED]
    Product.objects.filter(pk__in=sold).update(status=ProductStatus.SOLD, updated_at=now)
    invalidate(cache.products, sold)
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


def _events(offer: Offer) -> Iterator[OfferEvent]:
    """Yield the events that lead to the offer's state."""
    role = OfferEvent.Role
    yield _event(offer, OfferEvent.Kind.MADE, offer.created_at, role.BUYER)
    if offer.status == OfferStatus.WITHDRAWN:
        yield _event(offer, OfferEvent.Kind.WITHDRAWN, offer.closed_at, role.BUYER)
    elif offer.status == OfferStatus.EXPIRED:
        yield _event(offer, OfferEvent.Kind.EXPIRED, offer.closed_at, role.TIME)
    elif offer.status != OfferStatus.ACTIVE:
        yield _event(offer, OfferEvent.Kind(offer.status), offer.closed_at, role.SELLER)


def _event(offer: Offer, kind: OfferEvent.Kind, at: datetime, role: OfferEvent.Role) -> OfferEvent:
    actors = {OfferEvent.Role.BUYER: offer.buyer_id, OfferEvent.Role.SELLER: offer.seller_id}
    return OfferEvent(offer=offer, kind=kind, at=at, role=role, actor_id=actors.get(role), expires_at=offer.expires_at)


def _track(offers: list[Offer]) -> None:
    offer_deadlines.schedule_many(
        Deadline(offer.expires_at, offer.pk) for offer in offers if offer.status == OfferStatus.ACTIVE
    )

"""Making an offer."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import F
from rest_framework.exceptions import ValidationError

from offers.clock import ClockTimestamp, database_now
from offers.errors import OfferExists, OwnProduct, ProductNotAvailable
from offers.expiration import track_offer_expiration
from offers.lifetime import Lifetime
from offers.models import Offer, OfferStatus
from offers.selectors import offers
from products.models import Product, ProductStatus

_ONE_ACTIVE = "offer_one_active"


def make_offer(
    buyer: AbstractBaseUser, product_id: int, amount: Decimal, lifetime: Lifetime, message: str = ""
) -> Offer:
    """Make an offer in the product's currency.

    Raises ValidationError (unknown product, a life too short or too long), OwnProduct, ProductNotAvailable (sold
    or withdrawn), or OfferExists if the buyer has an active offer on the product.
    """
    try:
        with transaction.atomic():
            product = _lock(product_id, buyer)
            now = database_now()
            end = lifetime.end(now)
            _expire_own(buyer, product)
            return _insert(buyer, product, amount, message, now, end)
    except IntegrityError as error:
        if _ONE_ACTIVE in str(error):
            raise OfferExists from error
        raise


def _lock(product_id: int, buyer: AbstractBaseUser) -> Product:
    """Return the product, locked against being sold or withdrawn but not against other buyers' offers."""
    found = Product.objects.raw("SELECT * FROM products_product WHERE id = %s FOR SHARE", [product_id])
    product = next(iter(found), None)
    if product is None:
        raise ValidationError({"product_id": [f"There is no product {product_id}."]})
    if product.seller_id == buyer.pk:
        raise OwnProduct
    if product.status != ProductStatus.AVAILABLE:
        raise ProductNotAvailable
    return product


def _expire_own(buyer: AbstractBaseUser, product: Product) -> None:
    """Close the buyer's earlier offer if only the sweep is late: a dead offer must not block a new one."""
    late = Offer.objects.filter(
        buyer=buyer, product=product, status=OfferStatus.ACTIVE, expires_at__lte=ClockTimestamp()
    )
    late.update(status=OfferStatus.EXPIRED, closed_at=F("expires_at"))


def _insert(
    buyer: AbstractBaseUser, product: Product, amount: Decimal, message: str, now: datetime, end: datetime
) -> Offer:
    offer = Offer.objects.create(
        product=product,
        buyer=buyer,
        seller_id=product.seller_id,
        amount=amount,
        currency=product.currency,
        message=message,
        created_at=now,
        expires_at=end,
    )
    transaction.on_commit(lambda: track_offer_expiration(offer.pk, end), robust=True)
    return offers().get(pk=offer.pk)

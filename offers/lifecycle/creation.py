"""Making an offer."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction

from offers.clock import database_now
from offers.deadlines import drop_offer_expirations, track_offer_expiration
from offers.errors import OfferExists, OwnProduct, ProductNotAvailable
from offers.lifecycle.lifetime import Lifetime
from offers.lifecycle.state_machine import expire_own, record_made
from offers.models import Offer
from offers.selectors import offers
from products.errors import InvalidInput
from products.models import Product, ProductStatus
from products.money import MoneyError, quantised

_ONE_ACTIVE = "offer_one_active"


def make_offer(
    buyer: AbstractBaseUser, product_id: int, amount: Decimal, lifetime: Lifetime, message: str = ""
) -> Offer:
    """Make an offer in the product's currency.

    Raises InvalidInput (unknown product, an amount that its currency cannot express, a lifetime out of bounds),
    OwnProduct, ProductNotAvailable (sold or withdrawn), or OfferExists if the buyer has an active offer on it.
    """
    try:
        with transaction.atomic():
            product = _lock(product_id, buyer)
            now = database_now()
            end = lifetime.end(now)
            _expire_own_offer(buyer, product)
            return _insert(buyer, product, _exact(amount, product.currency), message, now, end)
    except IntegrityError as error:
        if _ONE_ACTIVE in str(error):
            raise OfferExists from error
        raise


def _lock(product_id: int, buyer: AbstractBaseUser) -> Product:
    """Return the product under a shared lock: it cannot be sold or withdrawn, but others can make offers on it."""
    found = Product.objects.raw("SELECT * FROM products_product WHERE id = %s FOR SHARE", [product_id])
    product = next(iter(found), None)
    if product is None:
        raise InvalidInput("product_id", f"There is no product {product_id}.")
    if product.seller_id == buyer.pk:
        raise OwnProduct
    if product.status != ProductStatus.AVAILABLE:
        raise ProductNotAvailable
    return product


def _exact(amount: Decimal, currency: str) -> Decimal:
    try:
        return quantised(amount, currency)
    except MoneyError as error:
        raise InvalidInput("amount", str(error)) from error


def _expire_own_offer(buyer: AbstractBaseUser, product: Product) -> None:
    expired = expire_own(buyer.pk, product.pk)
    transaction.on_commit(lambda: drop_offer_expirations(expired), robust=True)


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
    record_made(offer.pk)
    transaction.on_commit(lambda: track_offer_expiration(offer.pk, end), robust=True)
    return offers().get(pk=offer.pk)

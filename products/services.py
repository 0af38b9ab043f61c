"""Changes of products. Each is one transaction, and invalidates the entries that it changes."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone

from caching import forget
from products.cache import products
from products.errors import InvalidInput, NotTheSeller, ProductSold
from products.models import Product, ProductStatus, ProductViews
from products.money import MoneyError, quantised
from products.signals import products_closed


@transaction.atomic
def create_product(seller: AbstractBaseUser, **fields: Any) -> Product:
    """Put a product up for sale, with its row of view counts."""
    now = timezone.now()
    product = Product.objects.create(seller=seller, created_at=now, updated_at=now, **fields)
    ProductViews.objects.create(product=product)
    return product


@transaction.atomic
def update_product(product_id: int, seller: AbstractBaseUser, **fields: Any) -> Product:
    """Change fields of a product, by their names.

    Raises Http404, NotTheSeller, ProductSold, or InvalidInput for a price that the product's currency cannot express.
    """
    product = _lock(product_id, seller)
    if product.status == ProductStatus.SOLD:
        raise ProductSold
    for name, value in fields.items():
        setattr(product, name, value)
    if "price" in fields:
        product.price = _exact(product)
    product.updated_at = timezone.now()
    product.save(update_fields=[*fields, "updated_at"])
    return product


@transaction.atomic
def withdraw_product(product_id: int, seller: AbstractBaseUser) -> None:
    """Withdraw a product: it is 404 and in no feed or batch from the next request on. Raises Http404, NotTheSeller."""
    product = _lock(product_id, seller)
    product.status = ProductStatus.WITHDRAWN
    product.updated_at = timezone.now()
    product.save(update_fields=["status", "updated_at"])
    forget(products, [product.pk])
    products_closed.send(sender=Product, product_ids=[product.pk], by=seller, as_staff=False)


@transaction.atomic
def withdraw_products(product_ids: Iterable[int], by: AbstractBaseUser) -> list[int]:
    """Withdraw products of any seller, as the staff; return the ids of those that were not withdrawn yet."""
    standing = Product.objects.filter(pk__in=list(product_ids)).exclude(status=ProductStatus.WITHDRAWN)
    # In the order of their ids, so that two such transactions cannot deadlock.
    ids = list(standing.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))
    Product.objects.filter(pk__in=ids).update(status=ProductStatus.WITHDRAWN, updated_at=timezone.now())
    forget(products, ids)
    products_closed.send(sender=Product, product_ids=ids, by=by, as_staff=True)
    return ids


def visible_product(product_id: int, seller: AbstractBaseUser) -> Product:
    """Return the seller's product as it is now, unlocked. Raises Http404 or NotTheSeller."""
    return _own(Product.objects.all(), product_id, seller)


def _lock(product_id: int, seller: AbstractBaseUser) -> Product:
    """Lock the product and return it. A transaction that changes a product and its offers locks the product first."""
    return _own(Product.objects.select_for_update(no_key=True), product_id, seller)


def _exact(product: Product) -> Decimal:
    # The currency may differ from the one that the request was validated with: an import may have changed it meanwhile.
    try:
        return quantised(product.price, product.currency)
    except MoneyError as error:
        raise InvalidInput("price", str(error)) from error


def _own(products: QuerySet[Product], product_id: int, seller: AbstractBaseUser) -> Product:
    product = products.exclude(status=ProductStatus.WITHDRAWN).filter(pk=product_id).first()
    if product is None:
        raise Http404(f"There is no product {product_id}.")
    if product.seller_id != seller.pk:
        raise NotTheSeller
    return product

"""Invalidation on save and delete, wherever that happens: a service, the admin or a shell."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from products.cache import forget_products, invalidate_products
from products.models import Category, Product


@receiver(post_save, sender=Product, dispatch_uid="products.saved")
def product_saved(instance: Product, **_: Any) -> None:
    invalidate_products([instance.pk])


@receiver(post_delete, sender=Product, dispatch_uid="products.deleted")
def product_deleted(instance: Product, **_: Any) -> None:
    forget_products([instance.pk])


@receiver(post_save, sender=Category, dispatch_uid="products.category_saved")
def category_saved(instance: Category, created: bool, **_: Any) -> None:
    """Forget the products of a category that was renamed: its slug is part of their bodies."""
    if not created:
        invalidate_products(instance.products.values_list("pk", flat=True))

"""Invalidation on save and delete, wherever that happens: a service, the admin or a shell."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db.models.signals import post_delete, post_save, pre_delete
from django.dispatch import receiver

from caching.readthrough.invalidation import invalidate
from products.cache import forget_products, invalidate_products
from products.feeds import feed_pages, first_page_keys
from products.models import Category, Product


@receiver(post_save, sender=Product, dispatch_uid="products.saved")
def product_saved(instance: Product, **_: Any) -> None:
    invalidate_products([instance.pk])


@receiver(pre_delete, sender=Product, dispatch_uid="products.deleting")
def product_is_deleted(instance: Product, **_: Any) -> None:
    """Lock the product before its rows of views go: a flush locks in that order, and would be in a deadlock."""
    Product.objects.select_for_update().filter(pk=instance.pk).first()


@receiver(post_delete, sender=Product, dispatch_uid="products.deleted")
def product_deleted(instance: Product, **_: Any) -> None:
    forget_products([instance.pk])


@receiver(post_save, sender=Category, dispatch_uid="products.category_saved")
def category_saved(instance: Category, created: bool, **_: Any) -> None:
    """Forget the products of a category that was renamed, and that there was no feed of its slug."""
    invalidate(feed_pages, first_page_keys(f"category/{instance.slug}"))
    if not created:
        invalidate_products(instance.products.values_list("pk", flat=True))


@receiver(post_save, sender=get_user_model(), dispatch_uid="products.seller_saved")
def seller_created(instance: Any, created: bool, **_: Any) -> None:
    """Forget that there was no such seller to have a feed."""
    if created:
        invalidate(feed_pages, first_page_keys(f"seller/{instance.pk}"))

"""The receiver for the deletion of a product. Its cache entry is invalidated by the declaration in `cache.py`."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import pre_delete
from django.dispatch import receiver

from products.models import Product


@receiver(pre_delete, sender=Product, dispatch_uid="products.deleting")
def product_is_deleted(instance: Product, **_: Any) -> None:
    """Lock the product before its rows of views are deleted. A flush locks in this order too, so neither deadlocks."""
    Product.objects.select_for_update().filter(pk=instance.pk).first()

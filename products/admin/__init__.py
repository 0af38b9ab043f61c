"""The catalogue in the admin."""

from __future__ import annotations

from products.admin.categories import CategoryAdmin
from products.admin.products import ProductAdmin

__all__ = ["CategoryAdmin", "ProductAdmin"]

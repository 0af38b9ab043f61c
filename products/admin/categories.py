"""Categories in the admin, each with how many products it holds."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from products.models import Category


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):
    """Categories by name. One that holds products, of whatever status, cannot be deleted."""

    list_display = ("name", "slug", "product_count")
    search_fields = ("name", "slug")
    ordering = ("name",)
    prepopulated_fields = {"slug": ("name",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Category]:
        return super().get_queryset(request).annotate(products_held=Count("products"))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        # Deleting in bulk would read every product of the categories, only to list them as protected.
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def has_delete_permission(self, request: HttpRequest, obj: Category | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or not obj.products.exists())

    @admin.display(description="products", ordering="products_held")
    def product_count(self, category: Any) -> int:
        return int(category.products_held)

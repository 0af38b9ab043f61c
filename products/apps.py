"""The catalogue, its feeds, batches and view counts."""

from __future__ import annotations

from django.apps import AppConfig


class ProductsConfig(AppConfig):
    """Registers the app, what it invalidates on save and delete, and its part of the daily tidying."""

    name = "products"
    label = "products"
    verbose_name = "Products"

    def ready(self) -> None:
        from caching import cleanup
        from products import history, receivers, warming

        cleanup.register("view_hours", history.forget_old_hours)
        # Imported for what they register: the worker finds sources by namespace.
        assert receivers
        assert warming

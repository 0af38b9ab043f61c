"""The catalogue, its feeds, batches and view counts."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class ProductsConfig(AppConfig):
    """Registers the app, what it invalidates on save and delete, and its part of the daily tidying.

    Raises ImproperlyConfigured for a default currency that there is not.
    """

    name = "products"
    label = "products"
    verbose_name = "Products"

    def ready(self) -> None:
        """Import what registers itself."""
        from caching.upkeep import cleanup
        from products import receivers, view_history, warming
        from products.money import CURRENCIES

        if settings.DEFAULT_CURRENCY not in CURRENCIES:
            raise ImproperlyConfigured(
                f"DEFAULT_CURRENCY is {settings.DEFAULT_CURRENCY!r}; set it to one of {', '.join(CURRENCIES)}."
            )
        cleanup.register("view_hours", view_history.forget_old_hours)
        # Imported for what they register: the worker finds sources by namespace.
        assert receivers
        assert warming

"""The catalogue, its feeds, batches and view counts."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class ProductsConfig(AppConfig):
    """Registers the app, its receivers, and its part of the daily clean-up.

    Raises ImproperlyConfigured if DEFAULT_CURRENCY is not one of CURRENCIES.
    """

    name = "products"
    label = "products"
    verbose_name = "Products"

    def ready(self) -> None:
        """Check the currency and register."""
        from caching import add_cleanup_step
        from products import receivers, view_history  # noqa: F401
        from products.money import CURRENCIES

        if settings.DEFAULT_CURRENCY not in CURRENCIES:
            raise ImproperlyConfigured(
                f"DEFAULT_CURRENCY is {settings.DEFAULT_CURRENCY!r}; set it to one of {', '.join(CURRENCIES)}."
            )
        add_cleanup_step("view_hours", view_history.forget_old_hours)

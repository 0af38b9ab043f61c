"""The app of offers on products."""

from __future__ import annotations

from django.apps import AppConfig


class OffersConfig(AppConfig):
    """Registers the app with Django."""

    name = "offers"
    label = "offers"
    verbose_name = "Offers"

    def ready(self) -> None:
        """Connect the receiver of `products_closed`."""
        from offers import receivers  # noqa: F401

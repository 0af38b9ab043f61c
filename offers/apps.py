"""Offers on products, from being made to being closed."""

from __future__ import annotations

from django.apps import AppConfig


class OffersConfig(AppConfig):
    """Registers the app with Django."""

    name = "offers"
    label = "offers"
    verbose_name = "Offers"

    def ready(self) -> None:
        """Listen to products that are closed."""
        from offers import receivers  # noqa: F401

"""Users: their registration, their tokens, and their public part."""

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Registers the app with Django."""

    name = "marketplace.accounts"
    label = "accounts"
    verbose_name = "Accounts"

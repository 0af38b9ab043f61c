"""Users, their registration, tokens and public face."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_delete, post_save


class AccountsConfig(AppConfig):
    """Registers the app and what it invalidates on save and delete."""

    name = "marketplace.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        # The import also registers the cache's source in every process, the worker included.
        from marketplace.accounts import cache
        from marketplace.accounts.models import User

        post_save.connect(cache.forget_saved, sender=User, dispatch_uid="accounts.saved")
        post_delete.connect(cache.forget_deleted, sender=User, dispatch_uid="accounts.deleted")

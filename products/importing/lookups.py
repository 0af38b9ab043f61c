"""Finds or creates the categories and sellers that items name, and caches their ids for the run."""

from __future__ import annotations

from django.contrib.auth import get_user_model

from products.importing.errors import CatalogueError
from products.importing.slugs import slug_of
from products.models import Category

USERNAME_LIMIT = 150


class Categories:
    """Category ids by name; a name whose slug is known is that category."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}

    def forget(self) -> None:
        """Drop what is remembered, after a rollback that may have unmade it."""
        self._ids.clear()

    def id_of(self, name: str) -> int:
        """Return the id of the category, which is created if need be."""
        if name not in self._ids:
            category, _ = Category.objects.get_or_create(
                slug=slug_of(name) or "other", defaults={"name": name or "Other"}
            )
            self._ids[name] = category.pk
        return self._ids[name]


class Sellers:
    """Seller ids by shop: one given user for all, or a user of its own for each shop of a source.

    Such a user has no usable password. Raises CatalogueError rather than use a person's account for a shop.
    """

    def __init__(self, source: str, seller: str = "") -> None:
        self._source = source
        self._ids: dict[str, int] = {}
        self._seller_id = self._existing(seller) if seller else None

    def forget(self) -> None:
        """Drop what is remembered, after a rollback that may have unmade it."""
        self._ids.clear()

    def id_of(self, shop: str) -> int:
        """Return the id of the user who sells what comes from `shop`."""
        if self._seller_id is not None:
            return self._seller_id
        if shop not in self._ids:
            self._ids[shop] = self._shop_user(shop)
        return self._ids[shop]

    def _existing(self, username: str) -> int:
        user = get_user_model().objects.filter(username=username).only("pk").first()
        if user is None:
            raise CatalogueError(f"there is no user {username!r} to sell the products")
        return user.pk

    def _shop_user(self, shop: str) -> int:
        users = get_user_model().objects
        username = "-".join(filter(None, [self._source, slug_of(shop, USERNAME_LIMIT - 41)]))
        user = users.filter(username__iexact=username).first()
        if user is None:
            user = users.create_user(username, password=None, display_name=shop or self._source)
        elif user.has_usable_password():
            raise CatalogueError(
                f"the user {username!r} is somebody's account, not the shop's: name a seller with --seller"
            )
        return user.pk

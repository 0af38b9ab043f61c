"""Browsers of the staff, a product that was viewed, and a Redis that no command reaches."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from django.contrib.auth.models import Permission

from tests.factories import ProductFactory, UserFactory
from tests.products.admin.catalogue_pages import viewed


@pytest.fixture
def admin(client: Any) -> Any:
    """A browser in which a superuser is logged in."""
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def reader(client: Any) -> Any:
    """A browser of a member of the staff who may look at products and categories, and nothing else."""
    user = UserFactory(is_staff=True)
    names = ["view_product", "view_category", "view_productviews"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return client


@pytest.fixture
def seen() -> Any:
    """A product with views of an hour, which were flushed."""
    product = ProductFactory(views=4000)
    viewed(product, 4000, 1)
    return product


@pytest.fixture
def redis_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that no command reaches."""

    def refuse(self: Any, *_: Any, **__: Any) -> None:
        raise redis.ConnectionError("refused")

    monkeypatch.setattr(redis.connection.AbstractConnection, "send_packed_command", refuse)

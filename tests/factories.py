"""Rows for tests, each valid and as small as it can be."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import factory
from django.contrib.auth import get_user_model
from django.utils import timezone

from caching.models import CounterSpill
from offers.models import Offer, OfferEvent
from products.models import Category, Product, ProductViews


class UserFactory(factory.django.DjangoModelFactory):
    """A user without a usable password; pass `password=` for one who can log in."""

    class Meta:
        model = get_user_model()
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    display_name = factory.LazyAttribute(lambda user: user.username.title())

    @classmethod
    def _create(cls, model_class: Any, *args: Any, password: str | None = None, **kwargs: Any) -> Any:
        return model_class.objects.create_user(*args, password=password, **kwargs)


class CategoryFactory(factory.django.DjangoModelFactory):
    """A category with a slug of its own."""

    class Meta:
        model = Category

    slug = factory.Sequence(lambda n: f"category-{n}")
    name = factory.LazyAttribute(lambda category: category.slug.replace("-", " ").title())


class ProductFactory(factory.django.DjangoModelFactory):
    """An available product with its row of view counts; `views=` sets the flushed total."""

    class Meta:
        model = Product
        skip_postgeneration_save = True

    seller = factory.SubFactory(UserFactory)
    category = factory.SubFactory(CategoryFactory)
    title = factory.Sequence(lambda n: f"Product {n}")
    description = "As good as new."
    price = Decimal("12.50")
    currency = "EUR"

    @factory.post_generation
    def views(self, create: bool, extracted: int | None, **_: Any) -> None:
        if create:
            ProductViews.objects.create(product=self, views=extracted or 0)


class OfferFactory(factory.django.DjangoModelFactory):
    """An active offer that has a day to live."""

    class Meta:
        model = Offer

    product = factory.SubFactory(ProductFactory)
    buyer = factory.SubFactory(UserFactory)
    seller = factory.SelfAttribute("product.seller")
    amount = Decimal("10.00")
    currency = factory.SelfAttribute("product.currency")
    created_at = factory.LazyFunction(timezone.now)
    expires_at = factory.LazyAttribute(lambda offer: offer.created_at + timedelta(days=1))


class OfferEventFactory(factory.django.DjangoModelFactory):
    """An expiry that is due for delivery; `due_at=None` makes it history."""

    class Meta:
        model = OfferEvent

    offer = factory.SubFactory(OfferFactory)
    kind = OfferEvent.Kind.EXPIRED
    role = OfferEvent.Role.TIME
    at = factory.SelfAttribute("offer.expires_at")
    expires_at = factory.SelfAttribute("offer.expires_at")
    due_at = factory.LazyFunction(timezone.now)


class CounterSpillFactory(factory.django.DjangoModelFactory):
    """Views of this hour in the spill, each time in a slot of its own."""

    class Meta:
        model = CounterSpill

    family = "product_views"
    hour = factory.LazyFunction(lambda: timezone.now().replace(minute=0, second=0, microsecond=0))
    slot = factory.Sequence(lambda n: n % 30_000)
    amount = 1

"""The input of the products' endpoints, and the shapes of their answers for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework import serializers

from products.api.money import MoneyField
from products.feed_pages import MAX_PER_PAGE, PER_PAGE
from products.models import Category, Product
from products.money import CURRENCIES, DECIMAL_PLACES, MAX_DIGITS, MoneyError, quantised


class ProductSerializer(serializers.Serializer[Product]):
    """A product in every answer; `products.rendering` makes the bytes."""

    id = serializers.IntegerField()
    title = serializers.CharField()
    description = serializers.CharField()
    price = serializers.DecimalField(MAX_DIGITS, DECIMAL_PLACES)
    currency = serializers.ChoiceField(CURRENCIES)
    category = serializers.SlugField(help_text="The slug of its category.")
    image_url = serializers.URLField(allow_blank=True)
    seller_id = serializers.IntegerField()
    status = serializers.ChoiceField(["available", "sold"])
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    view_count = serializers.IntegerField(help_text="Live: the view that this answer counted is in it.")


class ProductPageSerializer(serializers.Serializer[Any]):
    """A page of products."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = ProductSerializer(many=True)


class ProductWriteSerializer(serializers.ModelSerializer[Product]):
    """A product as its seller sends it."""

    category = serializers.SlugRelatedField(
        slug_field="slug",
        queryset=Category.objects.all(),
        error_messages={"does_not_exist": "There is no category {value!r}."},
    )
    price = MoneyField()
    currency = serializers.ChoiceField(CURRENCIES, default=lambda: settings.DEFAULT_CURRENCY)

    class Meta:
        model = Product
        fields = ("title", "description", "price", "currency", "category", "image_url")
        extra_kwargs = {"description": {"max_length": 10_000}}

    def validate_currency(self, value: str) -> str:
        if self.instance is not None and value != self.instance.currency:
            raise serializers.ValidationError("The currency of a product cannot change: offers were made in it.")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Check the price against the currency. A change may have only one of the two."""
        whole: dict[str, Any] = {name: getattr(self.instance, name, None) for name in ("price", "currency")} | attrs
        try:
            exact = quantised(whole["price"], whole["currency"])
        except MoneyError as error:
            raise serializers.ValidationError({"price": [str(error)]}) from error
        return {**attrs, "price": exact} if "price" in attrs else attrs


class PageQuerySerializer(serializers.Serializer[Any]):
    """The page of a feed. A page that does not exist is a 404, an invalid number a 400."""

    page = serializers.IntegerField(min_value=1, default=1)
    per_page = serializers.IntegerField(min_value=1, max_value=MAX_PER_PAGE, default=PER_PAGE)

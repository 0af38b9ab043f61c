"""The filters of the list of products."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import QuerySet

from caching import MAX_ID
from products.models import SEARCH_CONFIG, Category, Product

_PRICE: dict[str, Any] = {"field_name": "price", "max_digits": 12, "decimal_places": 2, "min_value": 0}


class ProductFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Narrows the list by category, seller, price and words."""

    category = django_filters.CharFilter(method="by_category", help_text="Slug of a category.")
    seller = django_filters.NumberFilter(method="by_seller", help_text="Id of a seller.")
    min_price = django_filters.NumberFilter(lookup_expr="gte", help_text="Least price.", **_PRICE)
    max_price = django_filters.NumberFilter(lookup_expr="lte", help_text="Highest price.", **_PRICE)
    q = django_filters.CharFilter(method="by_words", max_length=200, help_text="Words in title or description.")

    class Meta:
        model = Product
        fields: list[str] = []

    def by_category(self, queryset: QuerySet[Product], _: str, slug: str) -> QuerySet[Product]:
        # A query of its own, so that the planner sees a constant and uses the index of the category.
        category = Category.objects.filter(slug=slug).values_list("id", flat=True).first()
        return queryset.filter(category_id=category) if category else queryset.none()

    def by_seller(self, queryset: QuerySet[Product], _: str, seller: Any) -> QuerySet[Product]:
        if seller != int(seller) or not 0 < seller <= MAX_ID:
            return queryset.none()
        return queryset.filter(seller_id=int(seller))

    def by_words(self, queryset: QuerySet[Product], _: str, words: str) -> QuerySet[Product]:
        vector = SearchVector("title", "description", config=SEARCH_CONFIG)
        query = SearchQuery(words, config=SEARCH_CONFIG, search_type="websearch")
        return queryset.annotate(words=vector).filter(words=query)

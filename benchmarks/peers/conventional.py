"""A conventional DRF API on django-redis: `get_many` of dicts, a serializer, a Response; misses from the ORM.

It is written with care: one look-up for all keys, one query for all misses, one `set_many`, no authentication, no
throttle, no browsable API. Views are counted by INCR. It has no leases, freshness or invalidation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.cache import caches
from django.http import Http404
from rest_framework import serializers
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.accounts.api.serializers import PublicUserSerializer
from marketplace.accounts.cache import PUBLIC_FIELDS
from marketplace.accounts.models import User
from products.api.serializers import PageQuerySerializer, ProductSerializer
from products.feed_pages import newest_ids
from products.models import Product, ProductStatus

TTL_SECONDS = 900
PAGE_TTL_SECONDS = 3600
_COLUMNS = ("id", "title", "description", "price", "currency", "image_url", "seller_id", "status", "created_at")


class ProductIds(serializers.Serializer[Any]):
    """The ids of a batch of products."""

    product_ids = serializers.ListField(child=serializers.IntegerField(min_value=1), max_length=100)


class UserIds(serializers.Serializer[Any]):
    """The ids of a batch of users."""

    user_ids = serializers.ListField(child=serializers.IntegerField(min_value=1), max_length=100)


class PublicView(APIView):
    """A public view of JSON."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    throttle_classes: list[Any] = []
    renderer_classes = [JSONRenderer]
    parser_classes = [JSONParser]


class ProductDetail(PublicView):
    """One product; reading it counts a view."""

    def get(self, request: Request, pk: int) -> Response:
        cache = caches["conventional"]
        product = cache.get(_product_key(pk)) or load_products([pk]).get(pk)
        if product is None:
            raise Http404
        try:
            product["view_count"] = cache.incr(_views_key(pk))
        except ValueError:
            cache.set(_views_key(pk), 1, None)
            product["view_count"] = 1
        return Response(ProductSerializer(product).data)


class ProductBatch(PublicView):
    """Many products by id."""

    def post(self, request: Request) -> Response:
        query = ProductIds(data=request.data)
        query.is_valid(raise_exception=True)
        found = read_products(query.validated_data["product_ids"])
        return Response(ProductSerializer(found, many=True).data)


class DiscoverFeed(PublicView):
    """A page of the newest products: its ids are cached, and its products are read as in the batch."""

    def get(self, request: Request) -> Response:
        query = PageQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        page, size = query.validated_data["page"], query.validated_data["per_page"]
        ids = read_page(page, size)
        links = {
            "next": _link(request, page + 1) if len(ids) > size else None,
            "previous": _link(request, page - 1) if page > 1 else None,
        }
        return Response({**links, "results": ProductSerializer(read_products(ids[:size]), many=True).data})


class UserBatch(PublicView):
    """Many public users by id."""

    def post(self, request: Request) -> Response:
        query = UserIds(data=request.data)
        query.is_valid(raise_exception=True)
        found = read_users(query.validated_data["user_ids"])
        return Response(PublicUserSerializer(found, many=True).data)


def read_products(ids: Sequence[int]) -> list[dict[str, Any]]:
    """Return products with their view counts, in one look-up and at most one query."""
    keys = [key for id in ids for key in (_product_key(id), _views_key(id))]
    cached = caches["conventional"].get_many(keys)
    missing = [id for id in ids if _product_key(id) not in cached]
    loaded = load_products(missing) if missing else {}
    found = ((id, cached.get(_product_key(id)) or loaded.get(id)) for id in ids)
    return [{**product, "view_count": cached.get(_views_key(id), 0)} for id, product in found if product]


def load_products(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Load products in one query and cache them."""
    rows = Product.objects.filter(id__in=ids).exclude(status=ProductStatus.WITHDRAWN)
    loaded = {}
    for row in rows.values(*_COLUMNS, "updated_at", "category__slug"):
        row["category"] = row.pop("category__slug")
        loaded[row["id"]] = row
    caches["conventional"].set_many({_product_key(id): row for id, row in loaded.items()}, TTL_SECONDS)
    return loaded


def read_page(page: int, size: int) -> list[int]:
    """Return the ids of a page, and one more if another page follows."""
    start = (page - 1) * size
    return caches["conventional"].get_or_set(
        f"page:{page}:{size}", lambda: list(newest_ids()[start : start + size + 1]), PAGE_TTL_SECONDS
    )


def read_users(ids: Sequence[int]) -> list[dict[str, Any]]:
    """Return users in one look-up and at most one query."""
    keys = {f"user:{id}": id for id in ids}
    found = {keys[key]: user for key, user in caches["conventional"].get_many(keys).items()}
    missing = [id for id in ids if id not in found]
    if missing:
        rows = User.objects.filter(id__in=missing, is_active=True).values(*PUBLIC_FIELDS)
        loaded = {row["id"]: row for row in rows}
        caches["conventional"].set_many({f"user:{id}": row for id, row in loaded.items()}, TTL_SECONDS)
        found |= loaded
    return [found[id] for id in ids if id in found]


def _product_key(id: int) -> str:
    return f"product:{id}"


def _views_key(id: int) -> str:
    return f"views:{id}"


def _link(request: Request, page: int) -> str:
    return request.build_absolute_uri(f"{request.path}?page={page}")

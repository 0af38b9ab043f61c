"""The batch of products."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from caching.http.hit_lane import HitLane, plain_body
from caching.http.id_list import plain_ids
from caching.http.responses import Origin, json_response
from caching.readthrough.batch import Batch, LookMany, fetch_many, look_many, settle_many
from products.api.serializers import ProductIdsSerializer, ProductSerializer
from products.cache import product_views, products
from products.rendering import join


class ProductBatchView(HitLane, APIView):
    """Many products by id. It is a POST that only reads, so it is public and not throttled as a write."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    reads_only = True
    allow = "POST, OPTIONS"
    looked: LookMany | None = None

    def lane(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase | None:
        """Answer a batch whose products are all plain hits."""
        body = plain_body(request)
        ids = plain_ids(body, "product_ids") if body is not None else None
        if ids is None:
            return None
        self.looked = look_many(products, ids, product_views)
        batch = self.looked.plain_hits()
        return _answer(batch) if batch is not None else None

    @extend_schema(
        summary="Read up to 100 products", request=ProductIdsSerializer, responses=ProductSerializer(many=True)
    )
    def post(self, request: Request) -> HttpResponseBase:
        """Answer products in the order of their ids; unknown ones are left out, repeated ones answered once."""
        serializer = ProductIdsSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        if self.looked is not None:
            return _answer(settle_many(self.looked))
        return _answer(fetch_many(products, serializer.validated_data["product_ids"], product_views))


def _answer(batch: Batch) -> HttpResponseBase:
    return json_response(join(batch.bodies, batch.counts), Origin(batch.hits, batch.stale, batch.misses))

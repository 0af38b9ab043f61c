"""The batch of products."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from caching.batch import fetch_many
from caching.http import Origin, json_response
from products.api.serializers import ProductIdsSerializer, ProductSerializer
from products.cache import product_views, products
from products.rendering import join


class ProductBatchView(APIView):
    """Many products by id. It is a POST that only reads, so it is public and not throttled as a write."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    reads_only = True

    @extend_schema(
        summary="Read up to 100 products", request=ProductIdsSerializer, responses=ProductSerializer(many=True)
    )
    def post(self, request: Request) -> HttpResponseBase:
        """Answer products in the order of their ids; unknown ones are left out, repeated ones answered once."""
        serializer = ProductIdsSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        batch = fetch_many(products, serializer.validated_data["product_ids"], product_views)
        return json_response(join(batch.bodies, batch.counts), Origin(batch.hits, batch.stale, batch.misses))

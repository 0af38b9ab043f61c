"""The batch of products."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema, extend_schema_view

from caching import Batch
from caching.http import CachedBatch, ids_serializer
from products.api.serializers import ProductSerializer
from products.cache import products
from products.rendering import join


@extend_schema_view(
    create=extend_schema(
        summary="Read up to 100 products",
        description="Answer products in the order of their ids; unknown ones are left out, repeated ones answered "
        "once.",
        request=ids_serializer("product_ids"),
        responses={200: ProductSerializer(many=True)},
    )
)
class ProductBatch(CachedBatch):
    """Many products by id, with their live view counts."""

    resource = products
    ids_field = "product_ids"

    def join(self, batch: Batch) -> bytes:
        """Return the JSON array of the products."""
        return join(batch.bodies, batch.live)

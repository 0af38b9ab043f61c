"""The endpoints of products: the list, the detail, and the writes of sellers."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from caching import Found, Lookup, fetch, fetch_many, read_once
from caching.http import CachedDetail, json_response
from products import services
from products.api.filters import ProductFilter
from products.api.pages import products_page
from products.api.serializers import ProductPageSerializer, ProductSerializer, ProductWriteSerializer
from products.api.view_rules import View, counted, view_of
from products.cache import products
from products.models import Product, ProductStatus
from products.rendering import with_count

_WRITES = {"create", "partial_update", "destroy"}


@extend_schema_view(
    retrieve=extend_schema(
        summary="Read a product and count a view",
        description="Answer a product. A GET counts one view, even if the answer is 304, unless the settings of this "
        "deployment\nexclude it; a HEAD counts none.",
        responses=ProductSerializer,
    )
)
class ProductViewSet(CachedDetail, GenericViewSet[Product]):
    """Products. Reads are public and answered from the cache; writes belong to the seller."""

    resource = products
    public_actions = frozenset({"retrieve", "list"})
    view = View(0)

    queryset = Product.objects.filter(status=ProductStatus.AVAILABLE)
    serializer_class = ProductWriteSerializer
    filter_backends = [DjangoFilterBackend]
    filterset_class = ProductFilter

    def get_permissions(self) -> list[BasePermission]:
        return [IsAuthenticated()] if self.action in _WRITES else []

    def read(self, request: HttpRequest, id: int) -> Lookup:
        """Read a product and count a view, if the rules allow it at once."""
        self.view = view_of(request, id)
        return read_once(products, id, self.view.at_once, self.view.visit)

    def body_of(self, request: HttpRequest, id: int, found: Found) -> bytes:
        """Return the product with its live view count."""
        body = found.body or b""
        return with_count(body, counted(self.view, id, body, found.live))

    @extend_schema(summary="List available products", responses=ProductPageSerializer)
    def list(self, request: Request) -> HttpResponseBase:
        """Answer one page of available products, newest first, narrowed by the filters."""
        rows: QuerySet[Product] = self.filter_queryset(self.get_queryset().only("id", "created_at"))
        page = self.paginate_queryset(rows) or []
        batch = fetch_many(products, [product.pk for product in page])
        paginator: Any = self.paginator
        body = products_page(batch, paginator.get_next_link(), paginator.get_previous_link())
        return json_response(body, batch.origin)

    @extend_schema(summary="Put a product up for sale", responses={201: ProductSerializer})
    def create(self, request: Request) -> HttpResponseBase:
        """Create a product of the caller's."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        product = services.create_product(request.user, **serializer.validated_data)
        return _written(product.pk, status.HTTP_201_CREATED)

    @extend_schema(summary="Change a product", responses=ProductSerializer)
    def partial_update(self, request: Request, pk: str) -> HttpResponseBase:
        """Change fields of a product of the caller's; every read shows the change from the next request on."""
        number = self.id_of(pk)
        product = services.visible_product(number, request.user)
        serializer = self.get_serializer(product, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        services.update_product(number, request.user, **serializer.validated_data)
        return _written(number, status.HTTP_200_OK)

    @extend_schema(summary="Withdraw a product", responses={204: OpenApiResponse(description="Withdrawn")})
    def destroy(self, request: Request, pk: str) -> Response:
        """Withdraw a product of the caller's; its active offers are declined."""
        services.withdraw_product(self.id_of(pk), request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _written(product_id: int, code: int) -> HttpResponse:
    """Answer a product as the next reader gets it: through the cache, after the invalidation."""
    found = fetch(products, product_id)
    if found.body is None:
        raise Http404(f"There is no product {product_id}.")
    body = with_count(found.body, found.live)
    response = HttpResponse(body, status=code, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    if code == status.HTTP_201_CREATED:
        response.headers["Location"] = reverse("product-detail", args=[product_id])
    return response

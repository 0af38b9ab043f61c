"""The products themselves: lists, details, and what their sellers do with them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from caching.http.hit_lane import HitLane
from caching.http.responses import Origin, conditional_response, json_response, weak_etag
from caching.readthrough.batch import fetch_many
from caching.readthrough.fetch import Look, State, fetch, look, settle
from products import services
from products.api.filters import ProductFilter
from products.api.pages import products_page
from products.api.serializers import ProductPageSerializer, ProductSerializer, ProductWriteSerializer
from products.cache import product_views, products
from products.models import Product, ProductStatus
from products.rendering import with_count
from products.view_rules import View, counted, view_of

_WRITES = {"create", "partial_update", "destroy"}
_READS = frozenset({"GET", "HEAD"})
_ID_MAX = 2**63 - 1
_ID_DIGITS = 19


class ProductViewSet(HitLane, GenericViewSet[Product]):
    """Products. Reads are public and answered from the cache; writes belong to the seller."""

    allow = "GET, PATCH, DELETE, HEAD, OPTIONS"
    looked: tuple[View, Look] | None = None

    queryset = Product.objects.filter(status=ProductStatus.AVAILABLE)
    serializer_class = ProductWriteSerializer
    filter_backends = [DjangoFilterBackend]
    filterset_class = ProductFilter
    lookup_value_regex = "[0-9]+"

    def get_authenticators(self) -> list[Any]:
        # A public read must not fail on, or vary with, whatever credentials come along.
        return super().get_authenticators() if self.request and self.request.method not in ("GET", "HEAD") else []

    def get_permissions(self) -> list[BasePermission]:
        return [IsAuthenticated()] if self.action in _WRITES else []

    def lane(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase | None:
        """Answer a detail that is a plain hit."""
        pk = kwargs.get("pk")
        if pk is None or request.method not in _READS or not 0 < len(pk) < _ID_DIGITS or (number := int(pk)) == 0:
            return None
        self.looked = view, found = _look(request, number)
        if not found.is_plain_hit:
            return None
        body = found.entry.body
        return _detail(request, body, counted(view, number, body, found.live or 0), State.HIT)

    @extend_schema(summary="List available products", responses=ProductPageSerializer)
    def list(self, request: Request) -> HttpResponseBase:
        """Answer one page of available products, newest first, narrowed by the filters."""
        rows: QuerySet[Product] = self.filter_queryset(self.get_queryset().only("id", "created_at"))
        page = self.paginate_queryset(rows) or []
        batch = fetch_many(products, [product.pk for product in page], product_views)
        origin = Origin(batch.hits, batch.stale, batch.misses)
        paginator: Any = self.paginator
        return json_response(products_page(batch, paginator.get_next_link(), paginator.get_previous_link()), origin)

    @extend_schema(summary="Read a product and count a view", responses=ProductSerializer)
    def retrieve(self, request: Request, pk: str) -> HttpResponseBase:
        """Answer a product. A GET counts one view, also where it is answered 304, unless this deployment leaves out
        views of that kind; a HEAD counts none."""
        number = _number(pk)
        # What the lane has read, and perhaps counted, is not read and counted again.
        view, looked = self.looked or _look(request._request, number)
        found = settle(looked)
        if found.body is None:
            raise Http404(f"There is no product {pk}.")
        return _detail(request._request, found.body, counted(view, number, found.body, found.live), found.state)

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
        number = _number(pk)
        product = services.visible_product(number, request.user)
        serializer = self.get_serializer(product, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        services.update_product(number, request.user, **serializer.validated_data)
        return _written(number, status.HTTP_200_OK)

    @extend_schema(summary="Withdraw a product", responses={204: OpenApiResponse(description="Withdrawn")})
    def destroy(self, request: Request, pk: str) -> Response:
        """Withdraw a product of the caller's; its active offers are declined."""
        services.withdraw_product(_number(pk), request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _look(request: HttpRequest, number: int) -> tuple[View, Look]:
    view = view_of(request, number)
    return view, look(products, number, product_views, view.at_once, view.visit)


def _detail(request: HttpRequest, entry: bytes, live: int, state: State) -> HttpResponse:
    return conditional_response(request, with_count(entry, live), Origin.of(state), weak_etag([entry]))


def _number(pk: str) -> int:
    # Python refuses to read thousands of digits, and an id has at most 19.
    number = int(pk) if len(pk) <= _ID_DIGITS else 0
    if not 0 < number <= _ID_MAX:
        raise Http404(f"There is no product {pk}.")
    return number


def _written(product_id: int, code: int) -> HttpResponse:
    """Answer a product as the next reader sees it: through the cache, after the invalidation."""
    found = fetch(products, product_id, product_views)
    if found.body is None:
        raise Http404(f"There is no product {product_id}.")
    body = with_count(found.body, found.live)
    response = HttpResponse(body, status=code, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    if code == status.HTTP_201_CREATED:
        response.headers["Location"] = f"/api/v1/products/{product_id}/"
    return response

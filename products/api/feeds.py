"""The feeds: discover, trending, and those of a category and of a seller."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from caching.http import conditional_response, weak_etag
from products.api.pages import products_page
from products.api.serializers import PageQuerySerializer, ProductPageSerializer
from products.feeds import MAX_PAGE, PageAddress, read_page


class FeedView(APIView):
    """One page of a feed; `feed` is fixed by the route or made of its `kind` and the name in the URL."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    feed = ""

    @extend_schema(parameters=[PageQuerySerializer], responses=ProductPageSerializer)
    def get(self, request: Request, name: str | int | None = None) -> HttpResponseBase:
        """Answer a page of a feed; the page after it is made ready in the background."""
        query = PageQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        feed = self.feed if name is None else f"{self.feed}/{name}"
        address = PageAddress(feed, query.validated_data["page"], query.validated_data["per_page"])
        page = read_page(address) if address.page <= MAX_PAGE else None
        if page is None:
            raise Http404(f"The feed {feed} has no page {address.page}.")
        next_link = _link(request, address.page + 1) if page.has_next else None
        previous_link = _link(request, address.page - 1) if address.page > 1 else None
        parts = [*page.batch.bodies.values(), str(next_link).encode(), str(previous_link).encode()]
        body = products_page(page.batch, next_link, previous_link)
        return conditional_response(request._request, body, page.origin, weak_etag(parts))


def _link(request: Request, page: int) -> str:
    query = request._request.GET.copy()
    query["page"] = str(page)
    return f"{request.scheme}://{request.get_host()}{request.path}?{query.urlencode()}"

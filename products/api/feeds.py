"""The feeds: discover, trending, and those of a category and of a seller."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from caching.http import HitLane, conditional_response, weak_etag
from products.api.pages import products_page
from products.api.serializers import PageQuerySerializer, ProductPageSerializer
from products.feed_pages import MAX_PER_PAGE, PER_PAGE, PageAddress
from products.feeds import MAX_PAGE, FeedPage, PageLookup, complete_page, read_page_once

# Characters of the longest query string that the hit lane reads. A longer one may have more parameters than Django
# accepts, which DRF refuses.
_MAX_QUERY = 500


class FeedView(HitLane, APIView):
    """One page of a feed: `feed` of the route, followed by the name in the URL if the route has one."""

    lane_handler = "get"
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    feed = ""
    lookup: PageLookup | None = None

    def lane(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase | None:
        """Answer a page that is a plain hit; None leaves the request to DRF."""
        if request.method not in ("GET", "HEAD") or len(request.META.get("QUERY_STRING", "")) > _MAX_QUERY:
            return None
        query = request.GET
        page = _plain_number(query.getlist("page"), 1, MAX_PAGE)
        per_page = _plain_number(query.getlist("per_page"), PER_PAGE, MAX_PER_PAGE)
        if not page or not per_page:
            return None
        lookup = read_page_once(PageAddress(self._name(kwargs.get("name")), page, per_page))
        found = lookup.plain_hit()
        if found is None:
            self.lookup = lookup
            return None
        return _answer(request, page, found)

    @extend_schema(parameters=[PageQuerySerializer], responses=ProductPageSerializer)
    def get(self, request: Request, name: str | int | None = None) -> HttpResponseBase:
        """Return one page of a feed. The next page is loaded in the background."""
        query = PageQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        number = query.validated_data["page"]
        address = PageAddress(self._name(name), number, query.validated_data["per_page"])
        page = complete_page(self.lookup or read_page_once(address)) if number <= MAX_PAGE else None
        if page is None:
            raise Http404(f"The feed {address.feed} has no page {number}.")
        return _answer(request._request, number, page)

    def _name(self, name: str | int | None) -> str:
        return self.feed if name is None else f"{self.feed}/{name}"


def _plain_number(given: list[str], default: int, most: int) -> int:
    """Return a number of the query as the serializer would read it; 0 if only the serializer can check it."""
    if not given:
        return default
    text = given[0]
    plain = len(given) == 1 and len(text) <= 6 and text.isascii() and text.isdigit()
    return number if plain and (number := int(text)) <= most else 0


def _answer(request: HttpRequest, number: int, page: FeedPage) -> HttpResponseBase:
    query = dict(request.GET.lists())
    here = f"{request.scheme}://{request.get_host()}{request.path}"
    next_link = _link(here, query, number + 1) if page.has_next else None
    previous_link = _link(here, query, number - 1) if number > 1 else None
    parts = [*page.batch.bodies.values(), str(next_link).encode(), str(previous_link).encode()]
    body = products_page(page.batch, next_link, previous_link)
    return conditional_response(request, body, page.origin, weak_etag(parts))


def _link(here: str, query: dict[str, list[str]], page: int) -> str:
    return f"{here}?{urlencode({**query, 'page': [str(page)]}, doseq=True)}"

"""The detail of a declared resource as a DRF viewset: one entry by its id, with ETag, 304 and Cache-Status."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponseBase
from rest_framework.request import Request
from rest_framework.viewsets import ViewSetMixin

from caching.http.hit_lane import HitLane
from caching.http.responses import conditional_response, weak_etag
from caching.ids import MAX_ID
from caching.readthrough.fetch import Found, Lookup, complete, read_once
from caching.readthrough.resource import Resource

_ID_DIGITS = len(str(MAX_ID))


class CachedDetail(HitLane, ViewSetMixin):
    """Adds `retrieve` to a viewset: `class ReviewViewSet(CachedDetail, ViewSet): resource = reviews`.

    The entry is public: `public_actions` are not authenticated, so a permission that needs a user refuses everybody.
    An id is a positive integer; anything else, and an id without a row, is 404. Override `read` to count, and
    `body_of` to add data to the body that is not cached.
    """

    resource: ClassVar[Resource]
    lane_handler = "retrieve"
    lookup_value_regex = "[0-9]+"
    lookup_value_converter = "int"
    public_actions: ClassVar[frozenset[str]] = frozenset({"retrieve"})
    action_map: dict[str, str]
    lookup: Lookup | None = None

    def get_authenticators(self) -> list[Any]:
        """Authenticate all but public actions: those must not fail on, or vary with, the credentials of a client."""
        request: Any = getattr(self, "request", None)
        if not request or self.action_map.get(request.method.lower()) in self.public_actions:
            return []
        by_view: list[Any] = super().get_authenticators()  # type: ignore[misc]
        return by_view

    def read(self, request: HttpRequest, id: int) -> Lookup:
        """Read the entry in one round trip; an override may count in it."""
        return read_once(self.resource, id)

    def body_of(self, request: HttpRequest, id: int, found: Found) -> bytes:
        """Return the bytes to answer; `found.body` is never None here."""
        return found.body or b""

    def lane(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase | None:
        """Answer a detail that is a plain hit."""
        id = _id(kwargs.get(self._argument())) if self.action == "retrieve" else None
        if id is None:
            return None
        lookup = self.read(request, id)
        found = lookup.plain_hit()
        if found is None:
            self.lookup = lookup
            return None
        return self._answer(request, id, found)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer one entry."""
        pk = kwargs[self._argument()]
        id = self.id_of(pk)
        # If the lane has read the entry, and perhaps counted, do not read and count again.
        found = complete(self.lookup or self.read(request._request, id))
        if found.body is None:
            raise self.missing(pk)
        return self._answer(request._request, id, found)

    def id_of(self, pk: str | int) -> int:
        """Return the id in a path. Raises Http404 if there can be no such row."""
        id = _id(pk)
        if id is None:
            raise self.missing(pk)
        return id

    def missing(self, pk: str | int) -> Http404:
        """Return the error for an id without a row."""
        return Http404(f"There is no {self.resource.policy.namespace} {pk}.")

    def _argument(self) -> str:
        """Return the name that the id has in the route, as DRF's routers choose it."""
        return str(getattr(self, "lookup_url_kwarg", None) or getattr(self, "lookup_field", "pk"))

    def _answer(self, request: HttpRequest, id: int, found: Found) -> HttpResponseBase:
        body = self.body_of(request, id, found)
        return conditional_response(request, body, found.origin, weak_etag([found.body or b""]))


def _id(pk: Any) -> int | None:
    """Return the id that a route found, as text or as a number; None if no row can have it."""
    text = str(pk)
    # Leading zeros are taken: only digits count.
    if not 0 < len(text) <= _ID_DIGITS or not text.isascii() or not text.isdigit():
        return None
    number = int(text)
    return number if 0 < number <= MAX_ID else None

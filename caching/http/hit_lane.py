"""The hit lane: a plain hit is answered in a view's `dispatch`, before DRF builds anything for the request.

DRF's request, negotiation and response are much of the cost of a hit (docs/decisions/0007). A request that is not a
plain hit (a miss, a stale entry, an unusual header, bad input) goes on to DRF, with what was read so far. Both ways
answer the same status, headers and bytes, which a test compares.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from rest_framework.permissions import AllowAny, IsAuthenticatedOrReadOnly

# The Accept headers of browsers, fetch, axios and command-line clients that take JSON; DRF negotiates all others.
_PLAIN_ACCEPTS = frozenset({None, "*/*", "application/json", "application/json, text/plain, */*"})
# A batch of a hundred ids is far smaller; DRF refuses what is too large.
_MAX_BODY = 16_384


# The permission classes that allow anybody every request, and those that allow anybody to read.
_OPEN = frozenset({AllowAny})
_OPEN_TO_READ = _OPEN | {IsAuthenticatedOrReadOnly}


class HitLane:
    """A mixin for DRF views that are public to read. A view with permissions that are not is answered by DRF alone."""

    def lane(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase | None:
        """Answer a plain hit, or return None. What was read may be kept on the view, for DRF's handler to continue."""
        raise NotImplementedError

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer a request by the lane or else by DRF."""
        if request.META.get("HTTP_ACCEPT") in _PLAIN_ACCEPTS and self._is_open(request):
            response = self.lane(request, **kwargs)
            if response is not None:
                # The value that DRF sends.
                response.headers["Allow"] = ", ".join(self.allowed_methods)  # type: ignore[attr-defined]
                return response
        by_drf: Callable[..., HttpResponseBase] = super().dispatch  # type: ignore[misc]
        return by_drf(request, *args, **kwargs)

    def _is_open(self, request: HttpRequest) -> bool:
        view: Any = self
        method = request.method or ""
        if hasattr(view, "action_map"):
            # DRF sets it when it authenticates; the permissions may depend on it.
            view.action = view.action_map.get(method.lower())
        public = _OPEN_TO_READ if method in ("GET", "HEAD") else _OPEN
        return all(type(permission) in public for permission in view.get_permissions())


def plain_body(request: HttpRequest) -> bytes | None:
    """Return the body of a POST of plain JSON; None if it is anything else, or larger than _MAX_BODY bytes."""
    meta = request.META
    length = meta.get("CONTENT_LENGTH")
    if request.method != "POST" or meta.get("CONTENT_TYPE") != "application/json":
        return None
    # DRF reads and refuses a body without a length, or with a wrong one.
    if not isinstance(length, str) or not length.isascii() or not length.isdigit() or len(length) > 5:
        return None
    if int(length) > _MAX_BODY:
        return None
    return request.body

"""The hit lane: a plain hit is answered in a view's `dispatch`, before DRF builds anything for the request.

DRF's request, negotiation and response are much of the cost of a hit (docs/decisions/0007). A request that is not a
plain hit (a miss, a stale entry, an unusual header, bad input) goes on to DRF, with what was read so far. Both ways
answer the same status, headers and bytes, which a test compares.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponseBase
from rest_framework.exceptions import APIException
from rest_framework.permissions import AllowAny, IsAuthenticatedOrReadOnly
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from caching.errors import LoaderBackedOff

# The Accept headers of browsers, fetch, axios and command-line clients that take JSON; DRF negotiates all others.
_PLAIN_ACCEPTS = frozenset({None, "*/*", "application/json", "application/json, text/plain, */*"})
# A batch of a hundred ids is far smaller; DRF refuses what is too large.
_MAX_BODY = 16_384
# The permissions with which anybody may read, and do what changes nothing although its method is a write.
_OPEN = frozenset({AllowAny})
_OPEN_TO_READ = _OPEN | {IsAuthenticatedOrReadOnly}
# What DRF runs before and after a handler. The lane runs none of it, so a view that changes one is left to DRF.
_AROUND = (
    "initial",
    "determine_version",
    "perform_authentication",
    "check_permissions",
    "check_throttles",
    "get_throttles",
    "finalize_response",
)


class BackedOff(APIException):
    """503: the loader of a missing entry failed a moment ago. `wait` becomes Retry-After, in whole seconds."""

    status_code = 503
    default_code = "loader_backed_off"
    default_detail = "This cannot be read at the moment. Try again after the seconds in Retry-After."

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.wait = math.ceil(seconds)


class HitLane:
    """A mixin for DRF views that are public to read.

    A view that asks more of a request than DRF's defaults do is answered by DRF alone: one that authenticates, has
    permissions that are not open, a version, or a throttle that does not say `exempts_reads = True`, or that overrides
    what DRF runs around a handler, or the handler itself.
    """

    # The method that DRF would call for what `lane` answers.
    lane_handler: ClassVar[str] = ""

    def lane(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase | None:
        """Answer a plain hit; else return None, and keep on the view what DRF's handler needs of the read to continue.

        Keep nothing of a hit on the view, which refers to itself by its handlers and so outlives the request until the
        next garbage collection.
        """
        raise NotImplementedError

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer a request by the lane or else by DRF."""
        if request.META.get("HTTP_ACCEPT") in _PLAIN_ACCEPTS and self._is_plain(request, kwargs):
            try:
                response = self.lane(request, **kwargs)
            except Exception as error:
                return self._failed(request, error, *args, **kwargs)
            if response is not None:
                # The value that DRF sends.
                response.headers["Allow"] = ", ".join(self.allowed_methods)  # type: ignore[attr-defined]
                return response
        by_drf: Callable[..., HttpResponseBase] = super().dispatch  # type: ignore[misc]
        return by_drf(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Any:
        """Answer an error by the project's handler; a loader that has just failed is 503 if the handler has no answer.

        Raises what the handler does not handle.
        """
        by_drf: Callable[[Exception], Any] = super().handle_exception  # type: ignore[misc]
        try:
            return by_drf(exc)
        except LoaderBackedOff as error:
            return by_drf(BackedOff(error.retry_after))

    def _is_plain(self, request: HttpRequest, kwargs: dict[str, Any]) -> bool:
        view: Any = self
        method = request.method or ""
        if hasattr(view, "action_map"):
            # DRF sets it when it authenticates; the permissions may depend on it.
            view.action = view.action_map.get(method.lower())
        if not _keeps_to_drf(view.__class__) or view.versioning_class is not None or "format" in kwargs:
            return False
        if _may_choose_format(request.META.get("QUERY_STRING", "")):
            return False
        if not all(getattr(throttle, "exempts_reads", False) for throttle in view.throttle_classes):
            return False
        public = _OPEN_TO_READ if method in ("GET", "HEAD") else _OPEN
        try:
            return not view.get_authenticators() and all(type(each) in public for each in view.get_permissions())
        except AttributeError:
            # They look at what only DRF's own request has, such as `query_params`.
            return False

    def _failed(self, request: HttpRequest, error: Exception, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer an error of the lane as DRF answers one of a handler."""
        view: Any = self
        view.headers = view.default_response_headers
        view.request = view.initialize_request(request, *args, **kwargs)
        negotiated = view.perform_content_negotiation(view.request, force=True)
        view.request.accepted_renderer, view.request.accepted_media_type = negotiated
        view.response = view.finalize_response(view.request, self.handle_exception(error), *args, **kwargs)
        answer: HttpResponseBase = view.response
        return answer


def _may_choose_format(query: str) -> bool:
    """Return whether a query string may have the parameter of DRF's URL_FORMAT_OVERRIDE, perhaps percent-encoded."""
    name = api_settings.URL_FORMAT_OVERRIDE
    return bool(query and name) and (name in query or "%" in query)


@cache
def _keeps_to_drf(view: type[HitLane]) -> bool:
    """Return whether a class has DRF's own functions around the handler, and the handler that its lane stands for."""
    owner = next(each for each in view.__mro__ if "lane" in vars(each))
    handler = view.lane_handler
    around = all(getattr(view, name) is getattr(APIView, name) for name in _AROUND)
    return around and _undocumented(getattr(view, handler)) is _undocumented(getattr(owner, handler))


def _undocumented(handler: Any) -> Any:
    """Return a handler without the wrappers that drf-spectacular puts around it to describe it."""
    while "schema" in getattr(handler, "kwargs", ()) and hasattr(handler, "__wrapped__"):
        handler = handler.__wrapped__
    return handler


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

"""Counts and times every request, by the name of its route and never by its path."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from django.http import HttpRequest, HttpResponseBase

from marketplace.ops.metrics import series

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestMetrics:
    """Stands first, so that it times all of Django."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        route = (match.view_name if match else None) or "other"
        # A client may invent methods; labels must stay few.
        method = request.method if request.method in _METHODS else "OTHER"
        series(str(method), route, response.status_code // 100).observe(perf_counter() - started)
        return response

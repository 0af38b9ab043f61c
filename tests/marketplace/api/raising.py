"""Routes that fail in every way a view can."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path, re_path
from psycopg_pool import PoolTimeout
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.fallbacks import unknown_route
from marketplace.urls import handler400, handler403, handler404, handler500
from products.errors import Conflict, Forbidden, InvalidInput

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


class OfferClosed(Conflict):
    code = "offer_closed"
    detail = "The offer is closed."


class NotYours(Forbidden):
    code = "not_yours"
    detail = "This is not yours."


def _no_database() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    elsewhere = connection.copy()
    elsewhere.settings_dict = {**connection.settings_dict, "HOST": "127.0.0.1", "PORT": port}
    elsewhere.cursor()


def _slow_statement() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 5; SELECT pg_sleep(2)")


def _raise(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


WAYS: dict[str, Callable[[], Any]] = {
    "bug": lambda: {}["password"],
    "not-found": _raise(Http404("There is no product 5.")),
    "denied": _raise(PermissionDenied("Not yours.")),
    "suspicious": _raise(SuspiciousOperation("secret")),
    "bad": _raise(BadRequest("secret")),
    "conflict": _raise(OfferClosed(offer_status="accepted", status=200)),
    "forbidden": _raise(NotYours()),
    "invalid-input": _raise(InvalidInput("price", "Too low.")),
    "throttled": _raise(exceptions.Throttled(wait=0.2)),
    "nested": _raise(
        exceptions.ValidationError(
            {
                "items": {1: {"price": ["Too low."]}},
                "lines": [{}, {"sku": ["Unknown."]}],
                "x": {"non_field_errors": ["No."]},
            }
        )
    ),
    "plain": _raise(exceptions.ValidationError("Not today.")),
    "no-database": _no_database,
    "slow-statement": _slow_statement,
    "pool": _raise(PoolTimeout("couldn't get a connection")),
    "unrenderable": lambda: object(),
}


class Raising(APIView):
    def get(self, request: Request, way: str) -> Response:
        return Response(WAYS[way]())


def raising(request: HttpRequest, way: str) -> HttpResponse:
    return HttpResponse(WAYS[way]())


urlpatterns = [
    path("drf/<str:way>/", Raising.as_view()),
    path("plain/<str:way>/", raising),
    path("admin/<str:way>/", raising),
    path("", include("marketplace.ops.urls")),
    re_path(r"^(?!admin/)", unknown_route),
]

"""Answers for requests that no view answers: unknown routes, and what fails outside a view.

The admin keeps Django's HTML pages; everything else gets a problem.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt

from marketplace.api.problems import ProblemResponse, make_problem


def is_admin(request: HttpRequest) -> bool:
    """Return whether the request is for the admin, which answers HTML."""
    return request.path_info.startswith("/admin/")


def plain_problem(status: HTTPStatus, detail: str | None = None, **headers: str) -> ProblemResponse:
    """Return a problem whose code is the name of its HTTP status."""
    code = status.phrase.lower().replace(" ", "_")
    return ProblemResponse(make_problem(status, code, detail or f"{status.description}."), headers)


@csrf_exempt
def unknown_route(request: HttpRequest, **_: Any) -> HttpResponseBase:
    """Answer a path that no other route matches. It is a route itself, so it answers with DEBUG on too."""
    return plain_problem(HTTPStatus.NOT_FOUND, "There is nothing at this address.")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django's handler400."""
    if is_admin(request):
        return defaults.bad_request(request, exception)
    return plain_problem(HTTPStatus.BAD_REQUEST, "The request could not be understood.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django's handler403."""
    if is_admin(request):
        return defaults.permission_denied(request, exception)
    return plain_problem(HTTPStatus.FORBIDDEN, "This is not allowed.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django's handler404."""
    if is_admin(request):
        return defaults.page_not_found(request, exception)
    return plain_problem(HTTPStatus.NOT_FOUND, "There is nothing at this address.")


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Django's handler500."""
    if is_admin(request):
        return defaults.server_error(request)
    return ProblemResponse(make_problem(500, "internal_error", "The server failed to answer this request."))

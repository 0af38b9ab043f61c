"""Makes plain views read-only, with the API's own answer to every other method."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from marketplace.api.fallbacks import plain_problem

View = Callable[[HttpRequest], HttpResponse]
_ALLOWED = ("GET", "HEAD", "OPTIONS")


def read_only(view: View) -> View:
    """Let GET and HEAD through to `view`; answer OPTIONS, and everything else with a 405 problem."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if request.method in ("GET", "HEAD"):
            return view(request)
        if request.method == "OPTIONS":
            return HttpResponse(status=204, headers={"Allow": ", ".join(_ALLOWED)})
        detail = f'Method "{request.method}" not allowed.'
        return plain_problem(HTTPStatus.METHOD_NOT_ALLOWED, detail, Allow=", ".join(_ALLOWED))

    return guarded

"""Middleware of the whole site: hosts and lengths, the optional slash, problems, the admin's sessions."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from marketplace.api.errors import answer
from marketplace.api.fallbacks import bad_request, is_admin

GetResponse = Callable[[HttpRequest], HttpResponseBase]

# Probes and scrapes come from inside the network, where the host may have any name or address.
_ANY_HOST = frozenset({"/livez/", "/readyz/", "/metrics/"})
_BODILESS = frozenset({204, 304})


class OptionalSlash:
    """Routes `/x` like `/x/`: every route is declared with its slash, and no request is redirected to it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if not path.endswith("/") and not path.startswith("/static/"):
            request.path_info = f"{path}/"
        return self.get_response(request)


class HostAndLength:
    """Refuses a foreign `Host` before anything is done, and gives each answer that is not streamed its Content-Length.

    Stands after `OptionalSlash`, since it compares paths with their slash, and before everything that reads or writes.
    Django's CommonMiddleware would refuse the probes too, answer HTML while DEBUG is on, and give 204 and 304 a length.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            if request.path_info not in _ANY_HOST:
                request.get_host()
        except DisallowedHost as error:
            return _with_length(bad_request(request, error))
        return _with_length(self.get_response(request))


def _with_length(response: HttpResponseBase) -> HttpResponseBase:
    # Without a length the server sends chunks, which every client has to parse.
    if isinstance(response, HttpResponse) and response.status_code not in _BODILESS:
        response.headers.setdefault("Content-Length", str(len(response.content)))
    return response


class Problems:
    """Answers exceptions of views outside DRF, so that no client of the API gets an HTML page, DEBUG on or off."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Return the problem, or None for the admin, whose users get Django's pages."""
        return None if is_admin(request) else answer(exception, request)


class _AdminOnly:
    """Runs the middleware that it is mixed into for paths below `/admin/` only."""

    get_response: GetResponse

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith("/admin/"):
            return super().__call__(request)  # type: ignore[misc]
        return self.get_response(request)


class AdminSession(_AdminOnly, SessionMiddleware):
    """Django's session middleware, for the admin."""


class AdminAuthentication(_AdminOnly, AuthenticationMiddleware):
    """Django's authentication middleware, for the admin."""


class AdminMessages(_AdminOnly, MessageMiddleware):
    """Django's message middleware, for the admin."""

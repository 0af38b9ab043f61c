"""HTTP responses from cached bodies, with the headers that name their origin.

Cache-Status is RFC 9211, the stale-while-revalidate directive RFC 5861, conditional requests RFC 9110.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags

from caching.conf import conf
from caching.readthrough.origin import Origin

# Other caches must revalidate each time; while they do, they may serve data that is this many seconds old.
CACHE_CONTROL = "public, max-age=0, stale-while-revalidate=10"


def cache_status(origin: Origin) -> str:
    """Return the value of Cache-Status: a hit, a stale hit, a miss, or partly each."""
    name = conf().name
    if not origin.misses:
        return f"{name}; hit; detail=stale" if origin.stale else f"{name}; hit"
    if not origin.hits and not origin.stale:
        return f"{name}; fwd=miss"
    detail = f"hits {origin.hits}, stale {origin.stale}, misses {origin.misses}"
    return f'{name}; fwd=partial; detail="{detail}"'


def json_response(body: bytes, origin: Origin, etag: str | None = None) -> HttpResponse:
    """Return a JSON response with the headers of a public read."""
    return _with_headers(HttpResponse(body, content_type="application/json"), origin, etag)


def conditional_response(request: HttpRequest, body: bytes, origin: Origin, etag: str) -> HttpResponse:
    """Return the response, or 304 without a body if the client has this version already.

    Django's get_conditional_response would also answer If-Match, with a 412 in HTML.
    """
    if matches(request.META.get("HTTP_IF_NONE_MATCH"), etag):
        return _with_headers(HttpResponseNotModified(), origin, etag)
    return json_response(body, origin, etag)


def weak_etag(parts: Iterable[bytes]) -> str:
    """Return a weak entity tag of the parts. Leave counters out of them: they change all the time."""
    digest = hashlib.blake2b(b"".join(parts), digest_size=12)
    return f'W/"{digest.hexdigest()}"'


def matches(if_none_match: str | None, etag: str) -> bool:
    """Return whether the If-None-Match header names this entity (weak comparison)."""
    if not if_none_match:
        return False
    tags = parse_etags(if_none_match)
    return tags == ["*"] or etag.removeprefix("W/") in [tag.removeprefix("W/") for tag in tags]


def _with_headers(response: HttpResponse, origin: Origin, etag: str | None) -> HttpResponse:
    response.headers["Cache-Status"] = cache_status(origin)
    response.headers["Cache-Control"] = CACHE_CONTROL
    patch_vary_headers(response, ["Accept"])
    if etag is not None:
        response.headers["ETag"] = etag
    return response

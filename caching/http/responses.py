"""HTTP answers of cached bodies: joined bytes, and the headers that say where they came from.

Cache-Status is RFC 9211, the stale-while-revalidate directive RFC 5861, conditional requests RFC 9110.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

from caching.readthrough.fetch import State

CACHE_NAME = "marketplace"
# Other caches must ask again each time; they may answer this many seconds of old data while they ask.
CACHE_CONTROL = "public, max-age=0, stale-while-revalidate=10"


@dataclass(slots=True)
class Origin:
    """Where the parts of an answer came from: how many were fresh, stale, or had to be loaded."""

    hits: int = 0
    stale: int = 0
    misses: int = 0

    @classmethod
    def of(cls, state: State) -> Origin:
        """Return the origin of an answer that is one entry."""
        return cls(int(state is State.HIT), int(state is State.STALE), int(state is State.MISS))

    def __add__(self, other: Origin) -> Origin:
        return Origin(self.hits + other.hits, self.stale + other.stale, self.misses + other.misses)

    def cache_status(self) -> str:
        """Return the value of Cache-Status: a hit, a stale hit, a miss, or partly each."""
        if not self.misses:
            return f"{CACHE_NAME}; hit; detail=stale" if self.stale else f"{CACHE_NAME}; hit"
        if not self.hits and not self.stale:
            return f"{CACHE_NAME}; fwd=miss"
        detail = f"hits {self.hits}, stale {self.stale}, misses {self.misses}"
        return f'{CACHE_NAME}; fwd=partial; detail="{detail}"'


def json_response(body: bytes, origin: Origin, etag: str | None = None) -> HttpResponse:
    """Return a JSON answer with the headers of a public read."""
    response = HttpResponse(body, content_type="application/json")
    return _with_headers(response, origin, etag)


def conditional_response(request: HttpRequest, body: bytes, origin: Origin, etag: str) -> HttpResponse:
    """Return the answer, or 304 without a body if the client has this state already."""
    if matches(request.META.get("HTTP_IF_NONE_MATCH"), etag):
        response = HttpResponse(status=304)
        del response.headers["Content-Type"]
        return _with_headers(response, origin, etag)
    return json_response(body, origin, etag)


def weak_etag(parts: Iterable[bytes]) -> str:
    """Return a weak entity tag of the parts; counters that change all the time are not among them."""
    digest = hashlib.blake2b(b"".join(parts), digest_size=12)
    return f'W/"{digest.hexdigest()}"'


def matches(if_none_match: str | None, etag: str) -> bool:
    """Return whether the If-None-Match header names this entity (weak comparison)."""
    if not if_none_match:
        return False
    if if_none_match.strip() == "*":
        return True
    opaque = etag.removeprefix("W/")
    return any(tag.strip().removeprefix("W/") == opaque for tag in if_none_match.split(","))


def _with_headers(response: HttpResponse, origin: Origin, etag: str | None) -> HttpResponse:
    response.headers["Cache-Status"] = origin.cache_status()
    response.headers["Cache-Control"] = CACHE_CONTROL
    response.headers["Vary"] = "Accept"
    if etag is not None:
        response.headers["ETag"] = etag
    return response

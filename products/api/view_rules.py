"""The rules for what counts as a view: every GET of a product's detail, unless a setting excludes it.

This module only decides. The round trip that reads the product also counts the view. A visitor is identified by a
keyed hash that includes the product's id, so Redis does not show that one person viewed two products. The hash is the
same every day: otherwise a visit around midnight would count as two, and a person who comes on three days as three.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import orjson
from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from knox.crypto import hash_token
from knox.models import get_token_model
from rest_framework.throttling import BaseThrottle

from caching import DATABASE_ERRORS, IncrementRefused
from caching.counters import Visit
from products import visitors
from products.view_counts import increment_view

_DAY_MS = 24 * 3600 * 1000
_MINUTE_MS = 60 * 1000
# Characters that are searched for the name of a robot, which comes early. The time of a search grows with the length.
_MOST_OF_USER_AGENT = 512


class View(NamedTuple):
    """The views that a request counts (1 or 0), and by which visitor.

    With a `token` the view is counted after the product was read, unless the token's holder is its seller.
    """

    amount: int
    visit: Visit | None = None
    token: str = ""

    @property
    def at_once(self) -> int:
        """The views to count in the round trip that reads the product."""
        return 0 if self.token else self.amount


_NONE = View(0)
_EACH = View(1)


def view_of(request: HttpRequest, product_id: int) -> View:
    """Return the view of a request for a product's detail, by the settings."""
    if request.method != "GET" or (settings.VIEW_SKIP_BOTS and is_bot(_user_agent(request))):
        return _NONE
    if not (settings.VIEW_SKIP_SELLER or settings.VIEW_WINDOW_SECONDS or settings.VIEW_UNIQUE_DAYS):
        return _EACH
    token = _token(request)
    return View(1, _visit(request, product_id, token), token if settings.VIEW_SKIP_SELLER else "")


def counted(view: View, product_id: int, body: bytes, live: int) -> int:
    """Count a view that waited until the product was read, and return the live count, which was `live` before."""
    if not view.token or is_seller(view.token, body):
        return live
    try:
        now = increment_view(product_id, view.visit)
    except (IncrementRefused, *DATABASE_ERRORS):
        # The refusal is counted in a metric, and the product is answered nevertheless.
        return live
    return max(live, now or 0)


def _visit(request: HttpRequest, product_id: int, token: str) -> Visit | None:
    window, days = settings.VIEW_WINDOW_SECONDS, settings.VIEW_UNIQUE_DAYS
    if not (window or days):
        return None
    return Visit(_visitor(request, product_id, token), window * 1000, visitors.day() if days else "", days * _DAY_MS)


def _visitor(request: HttpRequest, product_id: int, token: str) -> str:
    """Return 16 hexadecimal digits that identify the visitor, for this product only."""
    who = f"token\0{token}" if token else f"{BaseThrottle().get_ident(request)}\0{_user_agent(request)}"
    key = _key(settings.SECRET_KEY)
    return blake2b(f"{product_id}\0{who}".encode(errors="replace"), key=key, digest_size=8).hexdigest()


@lru_cache(maxsize=1)
def _key(secret: str) -> bytes:
    return blake2b(secret.encode(), digest_size=32, person=b"product visitor").digest()


def _user_agent(request: HttpRequest) -> str:
    return str(request.META.get("HTTP_USER_AGENT", ""))[:_MOST_OF_USER_AGENT]


@lru_cache(maxsize=2048)
def is_bot(user_agent: str) -> bool:
    """Return whether a User-Agent is that of a robot, or empty."""
    # A late import: a deployment that counts robots does not need the list (docs/counters.md has its cost).
    from crawleruseragents import is_crawler

    # Every browser sends a User-Agent.
    return not user_agent.strip() or is_crawler(user_agent)


def _token(request: HttpRequest) -> str:
    """Return the token in the request, valid or not; "" if there is none."""
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "token" and token.isascii() and token.isalnum() else ""


def is_seller(token: str, body: bytes) -> bool:
    """Return whether the holder of a token sells the product of a rendered body."""
    holder = _holder(hash_token(token), visitors.clock() // _MINUTE_MS)
    return holder is not None and holder == orjson.loads(body)["seller_id"]


@lru_cache(maxsize=4096)
def _holder(digest: str, minute: int) -> int | None:
    """Return the id of the token's user; None if the token is not valid or PostgreSQL is away.

    `minute` is a part of the cache's key, so that PostgreSQL is asked once a minute.
    """
    unexpired = Q(expiry=None) | Q(expiry__gt=timezone.now())
    tokens = get_token_model().objects.filter(unexpired, digest=digest)
    try:
        found: int | None = tokens.values_list("user_id", flat=True).first()
    except DATABASE_ERRORS:
        return None
    return found

"""What counts as a view: every GET of a product's detail, unless a setting leaves it out.

This only decides; what is decided is counted in the round trip that reads the product. Visitors are told apart by a
keyed hash which holds the product's id too, so Redis never says that two products were seen by the same person. The
hash does not change by the day: a visit at midnight would be two, and who comes on three days three visitors.
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
# What a robot says of itself comes early, and matching takes time in proportion.
_MOST_OF_USER_AGENT = 512


class View(NamedTuple):
    """What a request counts (1 or 0) and who by. With a `token` it is counted once the product is read, unless the
    token's holder sells it."""

    amount: int
    visit: Visit | None = None
    token: str = ""

    @property
    def at_once(self) -> int:
        """What to count in the round trip that reads the product."""
        return 0 if self.token else self.amount


_NONE = View(0)
_EACH = View(1)


def view_of(request: HttpRequest, product_id: int) -> View:
    """Return what a request for a product's detail counts."""
    if request.method != "GET" or (settings.VIEW_SKIP_BOTS and _is_bot(_user_agent(request))):
        return _NONE
    if not (settings.VIEW_SKIP_SELLER or settings.VIEW_WINDOW_SECONDS or settings.VIEW_UNIQUE_DAYS):
        return _EACH
    token = _token(request)
    return View(1, _visit(request, product_id, token), token if settings.VIEW_SKIP_SELLER else "")


def counted(view: View, product_id: int, body: bytes, live: int) -> int:
    """Count what was left until the product was read, and return the live count, which was `live` before."""
    if not view.token or _is_seller(view.token, body):
        return live
    try:
        now = increment_view(product_id, view.visit)
    except (IncrementRefused, *DATABASE_ERRORS):
        # The metric of refused increments has it; the product is answered all the same.
        return live
    return max(live, now or 0)


def _visit(request: HttpRequest, product_id: int, token: str) -> Visit | None:
    window, days = settings.VIEW_WINDOW_SECONDS, settings.VIEW_UNIQUE_DAYS
    if not (window or days):
        return None
    return Visit(_visitor(request, product_id, token), window * 1000, visitors.day() if days else "", days * _DAY_MS)


def _visitor(request: HttpRequest, product_id: int, token: str) -> str:
    """Return 16 digits that stand for whoever asks, for this product only."""
    who = f"token\0{token}" if token else f"{BaseThrottle().get_ident(request)}\0{_user_agent(request)}"
    key = _key(settings.SECRET_KEY)
    return blake2b(f"{product_id}\0{who}".encode(errors="replace"), key=key, digest_size=8).hexdigest()


@lru_cache(maxsize=1)
def _key(secret: str) -> bytes:
    return blake2b(secret.encode(), digest_size=32, person=b"product visitor").digest()


def _user_agent(request: HttpRequest) -> str:
    return str(request.META.get("HTTP_USER_AGENT", ""))[:_MOST_OF_USER_AGENT]


@lru_cache(maxsize=2048)
def _is_bot(user_agent: str) -> bool:
    # Here, since the list takes 30 ms and 3 MB, of which a deployment that counts robots has no use.
    from crawleruseragents import is_crawler

    # Every browser says what it is.
    return not user_agent.strip() or is_crawler(user_agent)


def _token(request: HttpRequest) -> str:
    """Return the token that came along, be it good or bad; "" if there is none."""
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "token" and token.isascii() and token.isalnum() else ""


def _is_seller(token: str, body: bytes) -> bool:
    holder = _holder(hash_token(token), visitors.clock() // _MINUTE_MS)
    return holder is not None and holder == orjson.loads(body)["seller_id"]


@lru_cache(maxsize=4096)
def _holder(digest: str, minute: int) -> int | None:
    """Return whose token it is, asking PostgreSQL once a minute; None if it is nobody's, or nobody answers."""
    unexpired = Q(expiry=None) | Q(expiry__gt=timezone.now())
    tokens = get_token_model().objects.filter(unexpired, digest=digest)
    try:
        found: int | None = tokens.values_list("user_id", flat=True).first()
    except DATABASE_ERRORS:
        return None
    return found

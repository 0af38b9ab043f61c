"""Throttles of writes, logins and registrations. Redis counts them; without Redis no request is refused."""

from __future__ import annotations

import logging
from hashlib import blake2b
from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import SimpleRateThrottle

from caching.redis import REDIS_ERRORS, client, key_prefix

if TYPE_CHECKING:
    # At run time this import would be circular: the module of DRF's views imports this one.
    from rest_framework.views import APIView

logger = logging.getLogger(__name__)


class CountingThrottle(SimpleRateThrottle):
    """A fixed window that opens with a client's first request, counted by `INCR` in Redis.

    DRF's own throttle reads a list of times, appends to it and writes it back, so it misses parallel requests. A
    counter is exact and takes one round trip. An empty rate means no limit.
    """

    def get_rate(self) -> str | None:
        """Return the rate of this scope from the settings as they are now."""
        return api_settings.DEFAULT_THROTTLE_RATES[self.scope] or None

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count the request, and return whether it is within the rate."""
        self.remaining: float | None = None
        ident = self.ident(request, view)
        if self.rate is None or ident is None:
            return True
        count, self.remaining = self._count(ident)
        return count <= self.num_requests

    def wait(self) -> float | None:
        """Return the seconds until the window closes."""
        return self.remaining

    def ident(self, request: Request, view: APIView) -> str | None:
        """Return the client for whom the request is counted, or None if it is not counted."""
        raise NotImplementedError

    def _count(self, ident: str) -> tuple[int, float]:
        key = f"{key_prefix()}:t:{self.scope}:{ident}"
        try:
            with client("cache").pipeline(transaction=True) as pipe:
                pipe.set(key, 0, ex=self.duration, nx=True).incr(key).pttl(key)
                _, count, milliseconds = pipe.execute()
        except REDIS_ERRORS as error:
            logger.warning("throttle %s is open: %s", self.scope, error)
            return 0, 0.0
        return count, milliseconds / 1000


class WriteThrottle(CountingThrottle):
    """Limits requests that change something, by user, or by address for a client without a token.

    A view whose POST only reads sets `reads_only = True`.
    """

    scope = "write"
    # The lane for hits, which runs no throttle, need not ask this one.
    exempts_reads = True

    def ident(self, request: Request, view: APIView) -> str | None:
        """Return the user or the address; None for a read."""
        if request.method in SAFE_METHODS or getattr(view, "reads_only", False):
            return None
        user = request.user
        return f"user:{user.pk}" if user and user.is_authenticated else f"ip:{self.get_ident(request)}"


class LoginThrottle(CountingThrottle):
    """Limits attempts at one username from one address, so that no client can lock another user out."""

    scope = "login"

    def ident(self, request: Request, view: APIView) -> str | None:
        """Return the address and a digest of the username in the request, whatever its case."""
        name = request.data.get("username", "") if isinstance(request.data, dict) else ""
        digest = blake2b(str(name).strip().casefold().encode(), digest_size=8).hexdigest()
        return f"{self.get_ident(request)}:{digest}"


class RegisterThrottle(CountingThrottle):
    """Limits registrations from one address."""

    scope = "register"

    def ident(self, request: Request, view: APIView) -> str | None:
        """Return the address."""
        return str(self.get_ident(request))

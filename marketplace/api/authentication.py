"""Authentication by a knox token or, on staff endpoints, by the admin's session."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from knox import auth
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request


class TokenAuthentication(auth.TokenAuthentication):
    """Knox's `Authorization: Token ...`, with every malformed token a 401."""

    def authenticate_credentials(self, token: bytes) -> Any:
        """Return the user and the token's record, or raise AuthenticationFailed."""
        # Knox fails with a 500 on bytes that it cannot decode, and on a NUL, which PostgreSQL refuses.
        if not token.isalnum():
            raise AuthenticationFailed("Invalid token.")
        return super().authenticate_credentials(token)


class AdminSessionAuthentication(authentication.SessionAuthentication):
    """The admin's session, read here because the session middleware runs below `/admin/` only."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        """Return the session's user, or None without a valid session; unsafe methods need the CSRF token."""
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        if not key:
            return None
        request._request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
        request._request.user = get_user(request._request)
        return super().authenticate(request)

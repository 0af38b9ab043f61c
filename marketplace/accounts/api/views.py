"""Registration, login and logout."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import transaction
from drf_spectacular.utils import extend_schema
from knox.models import get_token_model
from knox.settings import knox_settings
from rest_framework import status
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.accounts.api.serializers import (
    LoginSerializer,
    PublicUserSerializer,
    RegisteredSerializer,
    RegistrationSerializer,
    TokenSerializer,
)
from marketplace.accounts.models import User
from marketplace.api.throttles import LoginThrottle, RegisterThrottle, WriteThrottle


class InvalidCredentials(AuthenticationFailed):
    """No active user has this username and password. The answer does not say which of the three is wrong."""

    default_code = "invalid_credentials"
    default_detail = "The username or the password is wrong."


def _issue(user: User) -> tuple[str, datetime]:
    record, token = get_token_model().objects.create(user=user, expiry=knox_settings.TOKEN_TTL)
    return token, record.expiry


class AnonymousView(APIView):
    """A view that reads no token, so that an expired one in the headers does not fail the request."""

    authentication_classes: ClassVar = []
    permission_classes: ClassVar = []

    def get_authenticate_header(self, request: Request) -> str:
        """Name the scheme of the token: a 401 must say how to authenticate."""
        return str(knox_settings.AUTH_HEADER_PREFIX)

    def finalize_response(self, request: Request, response: Response, *args: object, **kwargs: object) -> Response:
        """Keep tokens out of every cache."""
        response["Cache-Control"] = "no-store"
        return super().finalize_response(request, response, *args, **kwargs)


class RegisterView(AnonymousView):
    """Creates an account."""

    throttle_classes: ClassVar = [RegisterThrottle, WriteThrottle]

    @extend_schema(operation_id="auth_register", request=RegistrationSerializer, responses={201: RegisteredSerializer})
    def post(self, request: Request) -> Response:
        """Create an account and its first token."""
        serializer = RegistrationSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        with transaction.atomic():
            user = serializer.save()
            token, _ = _issue(user)
        return Response({"user": PublicUserSerializer(user).data, "token": token}, status=status.HTTP_201_CREATED)


class LoginView(AnonymousView):
    """Exchanges a username and a password for a token."""

    throttle_classes: ClassVar = [LoginThrottle, WriteThrottle]

    @extend_schema(operation_id="auth_login", request=LoginSerializer, responses={200: TokenSerializer})
    def post(self, request: Request) -> Response:
        """Return a new token; each device has its own."""
        serializer = LoginSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        # It hashes a password for unknown and inactive users too, so that the time it takes reveals nothing.
        user = authenticate(request, **serializer.validated_data)
        if user is None:
            raise InvalidCredentials
        token, expiry = _issue(user)
        user_logged_in.send(sender=type(user), request=request, user=user)
        return Response(TokenSerializer({"token": token, "expiry": expiry}).data)


class LogoutView(APIView):
    """Ends the token it is called with."""

    permission_classes: ClassVar = [IsAuthenticated]

    @extend_schema(operation_id="auth_logout", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        """Delete this token; the user's other devices stay logged in."""
        request.auth.delete()
        user_logged_out.send(sender=type(request.user), request=request, user=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

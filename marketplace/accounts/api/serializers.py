"""Requests and answers of the account endpoints."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError, transaction
from rest_framework import serializers

from marketplace.accounts.cache import PUBLIC_FIELDS
from marketplace.accounts.models import User

_MAX_PASSWORD = 128
_TAKEN = "A user with that username already exists."


class PublicUserSerializer(serializers.ModelSerializer[User]):
    """The public part of a user, which has no e-mail address."""

    class Meta:
        model = User
        fields = PUBLIC_FIELDS
        read_only_fields = fields


class RegistrationSerializer(serializers.ModelSerializer[User]):
    """A new account; its rules are the model's and AUTH_PASSWORD_VALIDATORS."""

    password = serializers.CharField(
        write_only=True, trim_whitespace=False, max_length=_MAX_PASSWORD, style={"input_type": "password"}
    )

    class Meta:
        model = User
        fields = ("username", "password", "display_name")

    def validate_username(self, value: str) -> str:
        """Return the name in its normal form, or refuse one that is taken in any case."""
        name = User.normalize_username(value)
        if User.objects.filter(username__iexact=name).exists():
            raise serializers.ValidationError(_TAKEN, code="unique")
        return name

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Check the password against the rest of the account."""
        account = User(username=attrs["username"], display_name=attrs["display_name"])
        try:
            validate_password(attrs["password"], account)
        except DjangoValidationError as error:
            raise serializers.ValidationError({"password": error.messages}) from error
        return attrs

    def create(self, validated_data: dict[str, Any]) -> User:
        """Create the user. Of two concurrent registrations of one name, one gets the field error."""
        try:
            with transaction.atomic():
                return User.objects.create_user(**validated_data)
        except IntegrityError as error:
            raise serializers.ValidationError({"username": [_TAKEN]}) from error


class LoginSerializer(serializers.Serializer[Any]):
    """A username, in any case, and its password."""

    username = serializers.CharField(max_length=150)
    password = serializers.CharField(
        trim_whitespace=False, max_length=_MAX_PASSWORD, write_only=True, style={"input_type": "password"}
    )


class RegisteredSerializer(serializers.Serializer[Any]):
    """The answer to a registration."""

    user = PublicUserSerializer()
    token = serializers.CharField()


class TokenSerializer(serializers.Serializer[Any]):
    """The answer to a login."""

    token = serializers.CharField()
    expiry = serializers.DateTimeField()

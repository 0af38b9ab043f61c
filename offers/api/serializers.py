"""Offers as JSON, and the input of their requests."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from caching import MAX_ID
from offers.lifecycle.lifetime import Lifetime
from offers.models import Offer, OfferStatus
from products.api.money import MoneyField
from products.money import DECIMAL_PLACES, MAX_DIGITS, text

_ROLES = [("buyer", "Offers that the user made."), ("seller", "Offers that the user received.")]


class OfferSerializer(serializers.ModelSerializer[Offer]):
    """An offer in its effective state: past its end it reads as expired."""

    status = serializers.ChoiceField(choices=OfferStatus.choices, source="effective_status", read_only=True)
    closed_at = serializers.DateTimeField(source="effective_closed_at", read_only=True, allow_null=True)
    product_id = serializers.IntegerField(read_only=True)
    buyer_id = serializers.IntegerField(read_only=True)
    amount = serializers.SerializerMethodField()

    class Meta:
        model = Offer
        fields = [
            "id",
            "product_id",
            "buyer_id",
            "amount",
            "currency",
            "message",
            "status",
            "created_at",
            "expires_at",
            "closed_at",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.DecimalField(MAX_DIGITS, DECIMAL_PLACES))
    def get_amount(self, offer: Offer) -> str:
        """Return the amount with the decimal places of its currency."""
        return text(offer.amount, offer.currency)


class LifetimeSerializer(serializers.Serializer[Any]):
    """The end of an offer: a time or a number of seconds from now, not both."""

    expires_at = serializers.DateTimeField(required=False)
    expires_in = serializers.IntegerField(
        required=False,
        min_value=settings.OFFER_MIN_SECONDS,
        max_value=settings.OFFER_MAX_SECONDS,
        help_text="Seconds from now.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse two ends at once."""
        if "expires_at" in attrs and "expires_in" in attrs:
            raise serializers.ValidationError({"expires_in": "Give expires_at or expires_in, not both."})
        return attrs

    def lifetime(self) -> Lifetime:
        """Return the requested lifetime."""
        data = self.validated_data
        return Lifetime(expires_at=data.get("expires_at"), expires_in=data.get("expires_in"))


class NewOfferSerializer(LifetimeSerializer):
    """A new offer; without an end it gets the default lifetime."""

    product_id = serializers.IntegerField(min_value=1, max_value=MAX_ID)
    amount = MoneyField()
    message = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class ExtensionSerializer(LifetimeSerializer):
    """The later end of an offer."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse two ends at once, and none."""
        if not attrs:
            raise serializers.ValidationError({"expires_at": "Give expires_at or expires_in."})
        return super().validate(attrs)


class OfferFilterSerializer(serializers.Serializer[Any]):
    """The filters of the list of offers."""

    role = serializers.ChoiceField(choices=_ROLES, required=False, help_text="Both roles if it is left out.")
    status = serializers.ChoiceField(choices=OfferStatus.choices, required=False)


class ExpiringSoonSerializer(serializers.Serializer[Any]):
    """The filters of the offers that expire soon; `within` is in seconds."""

    within = serializers.IntegerField(min_value=1, max_value=settings.OFFER_MAX_SECONDS, default=3600)
    role = serializers.ChoiceField(choices=_ROLES, required=False, help_text="Both roles if it is left out.")

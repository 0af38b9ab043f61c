"""Offers in the admin: their true state and time left, and what the staff may do about them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.http import Http404, HttpRequest
from rest_framework.exceptions import APIException

from offers import transitions
from offers.lifetime import Lifetime
from offers.models import Offer, OfferStatus
from offers.selectors import alive, in_state, offers
from offers.words import in_words

_DAY = timedelta(days=1)
_SOON = {"hour": timedelta(hours=1), "day": _DAY, "week": 7 * _DAY}


class StateFilter(admin.SimpleListFilter):
    """By the state that an offer truly is in."""

    title = "status"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), str(label)) for value, label in OfferStatus.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Offer]) -> QuerySet[Offer]:
        return queryset.filter(in_state(self.value())) if self.value() else queryset


class TimeLeftFilter(admin.SimpleListFilter):
    """By how long a live offer has left; `late` are those that wait for the sweep."""

    title = "time left"
    parameter_name = "left"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("late", "None, not swept yet"),
            ("hour", "Under an hour"),
            ("day", "Under a day"),
            ("week", "Under a week"),
            ("more", "A week or more"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Offer]) -> QuerySet[Offer]:
        left = self.value()
        if left == "late":
            return queryset.filter(status=OfferStatus.ACTIVE, expires_at__lte=Now())
        if left == "more":
            return queryset.filter(alive(), expires_at__gte=Now() + _SOON["week"])
        if left in _SOON:
            return queryset.filter(alive(), expires_at__lt=Now() + _SOON[left])
        return queryset


@admin.register(Offer)
class OfferAdmin(admin.ModelAdmin):
    """Read-only rows; state changes only through the transitions that the API uses too."""

    list_display = ("id", "state", "time_left", "money", "product", "buyer", "seller")
    list_filter = (StateFilter, TimeLeftFilter, "currency")
    list_select_related = ("product", "buyer", "seller")
    search_fields = ("=id", "=product__id", "buyer__username", "seller__username")
    search_help_text = "Offer id, product id or username"
    ordering = ("-id",)
    show_full_result_count = False
    actions = ("extend_by_a_day", "expire_now", "decline")
    fields = (
        "product",
        "buyer",
        "seller",
        "money",
        "message",
        "state",
        "time_left",
        "created_at",
        "expires_at",
        "closed_on",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Offer]:
        return offers().annotate(left=F("expires_at") - Now())

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Offer | None = None) -> bool:
        return False

    @admin.display(description="amount", ordering="amount")
    def money(self, offer: Offer) -> str:
        return f"{offer.amount} {offer.currency}"

    @admin.display(description="status")
    def state(self, offer: Any) -> str:
        return str(OfferStatus(offer.effective_status).label)

    @admin.display(description="time left", ordering="expires_at", empty_value="-")
    def time_left(self, offer: Any) -> str | None:
        return in_words(offer.left) if offer.effective_status == OfferStatus.ACTIVE else None

    @admin.display(description="closed at", empty_value="-")
    def closed_on(self, offer: Any) -> Any:
        return offer.effective_closed_at

    @admin.action(description="Extend by 24 hours", permissions=["change"])
    def extend_by_a_day(self, request: HttpRequest, queryset: QuerySet[Offer]) -> None:
        def extend(offer: Offer) -> Offer:
            return transitions.extend(offer.pk, None, Lifetime(expires_at=offer.expires_at + _DAY))

        self._each(request, queryset, "extended by 24 hours", extend)

    @admin.action(description="Expire now", permissions=["change"])
    def expire_now(self, request: HttpRequest, queryset: QuerySet[Offer]) -> None:
        self._each(request, queryset, "expired", lambda offer: transitions.expire_now(offer.pk))

    @admin.action(description="Decline", permissions=["change"])
    def decline(self, request: HttpRequest, queryset: QuerySet[Offer]) -> None:
        self._each(request, queryset, "declined", lambda offer: transitions.decline(offer.pk, None))

    def _each(self, request: HttpRequest, chosen: QuerySet[Offer], done: str, act: Callable[[Offer], Offer]) -> None:
        """Act on each offer in a transaction of its own, and tell and log the outcome of each."""
        for offer in chosen:
            try:
                act(offer)
            except (APIException, Http404) as error:
                self.message_user(request, f"Offer {offer.pk}: {_reason(error)}", messages.WARNING)
                continue
            self.log_change(request, offer, f"Offer {done}.")
            self.message_user(request, f"Offer {offer.pk}: {done}.", messages.SUCCESS)


def _reason(error: APIException | Http404) -> str:
    detail = getattr(error, "detail", None)
    if isinstance(detail, dict):
        return " ".join(str(message) for errors in detail.values() for message in errors)
    return str(detail or error)

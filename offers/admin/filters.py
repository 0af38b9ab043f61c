"""The filters of offers: by effective state, by time left, and by the username of the seller or the buyer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest

from offers.models import Offer, OfferStatus
from offers.selectors import alive, in_state, past_due

_DAY = timedelta(days=1)
_SOON = {"hour": timedelta(hours=1), "day": _DAY, "week": 7 * _DAY}


class StateFilter(admin.SimpleListFilter):
    """By effective state: an offer past its end counts as expired."""

    title = "status"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), str(label)) for value, label in OfferStatus.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Offer]) -> QuerySet[Offer]:
        return queryset.filter(in_state(self.value())) if self.value() else queryset


class TimeLeftFilter(admin.SimpleListFilter):
    """By the time that a live offer has left; `late` are offers past their end that the job has not closed yet."""

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
            return queryset.filter(past_due())
        if left == "more":
            return queryset.filter(alive(), expires_at__gte=Now() + _SOON["week"])
        if left in _SOON:
            return queryset.filter(alive(), expires_at__lt=Now() + _SOON[left])
        return queryset


class PersonFilter(admin.SimpleListFilter):
    """By a whole username, in any case. It is typed, since a list of links to all users would be too long."""

    template = "admin/offers/person_filter.html"
    unknown = False
    without = "?"

    def has_output(self) -> bool:
        return True

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return []

    def value(self) -> str:
        return (super().value() or "").strip()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Offer]) -> QuerySet[Offer]:
        if not self.value():
            return queryset
        # A query of its own, so that the planner sees a constant and uses the index of that column.
        person = person_named(self.value())
        self.unknown = person is None
        return queryset.filter(**{self.parameter_name: person}) if person else queryset.none()

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        """Yield the hidden fields of the form, which preserve all other filters."""
        self.without = changelist.get_query_string(remove=[self.parameter_name])
        for name, values in changelist.filter_params.items():
            if name != self.parameter_name:
                yield from ({"name": name, "value": value} for value in values)


class SellerFilter(PersonFilter):
    """By the seller."""

    title = parameter_name = "seller"


class BuyerFilter(PersonFilter):
    """By the buyer."""

    title = parameter_name = "buyer"


def person_named(username: str) -> AbstractBaseUser | None:
    """Return the user with this name, in any case, or None."""
    users = get_user_model()
    if "\0" in username:
        return None
    try:
        return users._default_manager.get_by_natural_key(username)
    except users.DoesNotExist:
        return None

"""Events of offers in the admin: the history of all offers, and the state of each delivery."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from caching import row_id
from offers.admin import deliveries
from offers.admin.deliveries import DeliveryState, in_delivery_state, undelivered
from offers.admin.history import event_label
from offers.admin.people import actor_label
from offers.admin.read_only import MAX_ROWS, TOO_MANY, ReadOnlyAdmin
from offers.delivery import outbox
from offers.formatting import moment
from offers.models import OfferEvent


class DeliveryFilter(admin.SimpleListFilter):
    """By the state of the delivery."""

    title = parameter_name = "delivery"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), str(label)) for value, label in DeliveryState.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OfferEvent]) -> QuerySet[OfferEvent]:
        return queryset.filter(in_delivery_state(self.value())) if self.value() in DeliveryState.values else queryset


@admin.register(OfferEvent)
class OfferEventAdmin(ReadOnlyAdmin):
    """Events, newest first. No other order is offered, since no other column has an index."""

    list_display = ("when", "what", "offer_link", "who", "delivery")
    list_filter = ("kind", DeliveryFilter)
    list_select_related = ("actor",)
    sortable_by = ()
    # Only shows the search box: `get_search_results` defines what is searched.
    search_fields = ("=offer",)
    search_help_text = "Offer id"
    ordering = ("-id",)
    actions = ("deliver_again",)
    fields = ("offer_link", "when", "what", "who", "expires_at", "delivery", "attempts", "error")
    readonly_fields = fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[OfferEvent], search_term: str
    ) -> tuple[QuerySet[OfferEvent], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        id = row_id(term)
        return (queryset.none() if id is None else queryset.filter(offer=id)), False

    @admin.display(description="when")
    def when(self, event: OfferEvent) -> str:
        return moment(event.at)

    @admin.display(description="what")
    def what(self, event: OfferEvent) -> str:
        return event_label(event)

    @admin.display(description="offer")
    def offer_link(self, event: OfferEvent) -> SafeString:
        url = reverse("admin:offers_offer_change", args=[event.offer_id])
        return format_html('<a href="{}">{}</a>', url, event.offer_id)

    @admin.display(description="who")
    def who(self, event: OfferEvent) -> str:
        return actor_label(event, link=False)

    @admin.display(description="delivery")
    def delivery(self, event: OfferEvent) -> str:
        return deliveries.delivery_label(event)

    @admin.action(description="Deliver again (given up or obsolete)", permissions=["change"])
    def deliver_again(self, request: HttpRequest, queryset: QuerySet[OfferEvent]) -> None:
        chosen = list(queryset.filter(undelivered())[: MAX_ROWS + 1])
        if len(chosen) > MAX_ROWS:
            self.message_user(request, TOO_MANY, messages.ERROR)
            return
        with transaction.atomic():
            count = outbox.requeue([event.pk for event in chosen])
            LogEntry.objects.log_actions(request.user.pk, chosen, CHANGE, "Put back, to be delivered again.")
        message = f"{count} event{'' if count == 1 else 's'} will be delivered again."
        rest = "" if count else " Only events that were given up or became obsolete can be."
        self.message_user(request, message + rest, messages.SUCCESS if count else messages.WARNING)

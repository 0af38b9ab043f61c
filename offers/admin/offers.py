"""Offers in the admin: effective state, time left, history, and the actions of the staff."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from caching import row_id
from offers.admin.confirmation import ConfirmedActions
from offers.admin.filters import BuyerFilter, SellerFilter, StateFilter, TimeLeftFilter, person_named
from offers.admin.history import MAX_EVENTS, history_of
from offers.admin.people import may_see_people
from offers.admin.presentation import OfferPresenter
from offers.formatting import moment
from offers.models import Offer
from offers.selectors import offers


class OfferChangeList(ChangeList):
    """A page of offers, each with the list's `get_query_string`, from which the links to a filtered list are made."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        for offer in self.result_list:
            offer.query_string = self.get_query_string


@admin.register(Offer)
class OfferAdmin(ConfirmedActions):
    """Read-only rows. The state changes only through the transitions that the API uses too."""

    list_display = ("id", "state", "time_left", "money", "seller_link", "buyer_link", "product")
    list_filter = (StateFilter, TimeLeftFilter, SellerFilter, BuyerFilter, "currency")
    # Only shows the search box: `get_search_results` defines what is searched.
    search_fields = ("=id",)
    search_help_text = "Offer id, product id, or a username in full"
    ordering = ("-id",)
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
        "history",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Offer]:
        return offers().annotate(left=F("expires_at") - Now()).select_related("product", "buyer", "seller")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[OfferChangeList]:
        return OfferChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Offer], search_term: str
    ) -> tuple[QuerySet[Offer], bool]:
        """Search the columns that have an index: the id of an offer or a product, or the whole username of a party."""
        term = search_term.strip()
        if not term:
            return queryset, False
        person = person_named(term)
        found = Q(buyer=person) | Q(seller=person) if person else Q(pk__in=[])
        if id := row_id(term):
            found |= Q(pk=id) | Q(product=id)
        return queryset.filter(found), False

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        offer = super().get_object(request, object_id, from_field)
        if offer is not None:
            offer.links_people = may_see_people(request.user)
        return offer

    @admin.display(description="amount", ordering="amount")
    def money(self, offer: Offer) -> str:
        return OfferPresenter(offer).money

    @admin.display(description="status")
    def state(self, offer: Any) -> str:
        return OfferPresenter(offer).state

    @admin.display(description="time left", ordering="expires_at")
    def time_left(self, offer: Any) -> str:
        return OfferPresenter(offer).time_left or "-"

    @admin.display(description="closed at")
    def closed_on(self, offer: Any) -> str:
        return moment(offer.effective_closed_at) if offer.effective_closed_at else "-"

    @admin.display(description="buyer")
    def buyer_link(self, offer: Any) -> SafeString:
        return _filter_link(offer, BuyerFilter.parameter_name, offer.buyer.username)

    @admin.display(description="seller")
    def seller_link(self, offer: Any) -> SafeString:
        return _filter_link(offer, SellerFilter.parameter_name, offer.seller.username)

    @admin.display(description="history")
    def history(self, offer: Any) -> str:
        events = history_of(offer.pk, offer.links_people)
        return render_to_string("admin/offers/offer/history.html", {"events": events, "most": MAX_EVENTS})


def _filter_link(offer: Any, parameter: str, username: str) -> SafeString:
    return format_html(
        '<a href="{}" title="Only offers whose {} is {}">{}</a>',
        offer.query_string({parameter: username}),
        parameter,
        username,
        username,
    )

"""The way of an action: a page that shows what is going to happen, and one that tells what did."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from offers.admin.actions import ACTIONS, DECLINE, EXPIRE_NOW, EXTEND, StaffAction, act_on_each
from offers.admin.presentation import Standing
from offers.admin.read_only import MOST, TOO_MANY, ActedOnAdmin
from offers.admin.selection import Choice, ExtensionForm
from offers.models import Offer

_STALE = "That page is no longer good. Nothing was done: choose the offers again."


class ConfirmedActions(ActedOnAdmin):
    """The actions on offers. The page that asks is an answer to the list's form, and posts to an address of its own.

    There the list's filters do not apply: an offer that has left the filtered list since has an outcome too.
    """

    actions = ("extend", "expire_now", "decline")

    @admin.action(description="Extend…", permissions=["change"])
    def extend(self, request: HttpRequest, queryset: QuerySet[Offer]) -> HttpResponse | None:
        return self._ask(request, EXTEND, queryset)

    @admin.action(description="Expire now…", permissions=["change"])
    def expire_now(self, request: HttpRequest, queryset: QuerySet[Offer]) -> HttpResponse | None:
        return self._ask(request, EXPIRE_NOW, queryset)

    @admin.action(description="Decline…", permissions=["change"])
    def decline(self, request: HttpRequest, queryset: QuerySet[Offer]) -> HttpResponse | None:
        return self._ask(request, DECLINE, queryset)

    def get_urls(self) -> list[Any]:
        act = path("act/", self.admin_site.admin_view(self.act_view), name="offers_offer_act")
        return [act, *super().get_urls()]

    def act_view(self, request: HttpRequest) -> HttpResponseBase:
        """Do what was confirmed and tell the outcomes; anything else but a confirmation leads back to the list."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseRedirect(self._kept(request, "changelist"))
        choice = Choice.read(request.POST.get("choice", ""))
        if choice is None:
            self.message_user(request, _STALE, messages.ERROR)
            return HttpResponseRedirect(self._kept(request, "changelist"))
        if choice.action != EXTEND.name:
            return self._act(request, choice, timedelta())
        form = ExtensionForm(request.POST)
        if form.is_valid():
            return self._act(request, choice, form.cleaned_data["more"])
        chosen = self.get_queryset(request).filter(pk__in=choice.ends)
        return self._ask(request, EXTEND, chosen.order_by("-pk"), form)

    def _ask(
        self, request: HttpRequest, action: StaffAction, chosen: QuerySet[Offer], form: ExtensionForm | None = None
    ) -> HttpResponse | None:
        offers = list(chosen[: MOST + 1])
        if len(offers) > MOST:
            self.message_user(request, TOO_MANY, messages.ERROR)
            return None
        rows = [Standing(offer) for offer in offers]
        alive = sum(row.alive for row in rows)
        title = f"{action.verb}: {alive} offer{'' if alive == 1 else 's'}?"
        context = {
            "action": action,
            "rows": rows,
            "alive": alive,
            "closed": len(rows) - alive,
            "choice": Choice.of(action.name, offers).sign(),
            "form": (form or ExtensionForm()) if action.extends else None,
            "act_url": self._kept(request, "act"),
        }
        return self._page(request, "confirmation", title, context)

    def _act(self, request: HttpRequest, choice: Choice, more: timedelta) -> HttpResponse:
        def note(offer: Offer, message: str) -> None:
            self.log_change(request, offer, message)

        outcomes = list(act_on_each(choice, request.user, more, note))
        done = sum(outcome.done for outcome in outcomes)
        title = f"{done} of {len(outcomes)} offer{'' if len(outcomes) == 1 else 's'} {ACTIONS[choice.action].done}"
        return self._page(request, "outcome", title, {"outcomes": outcomes})

    def _page(self, request: HttpRequest, name: str, title: str, context: dict[str, Any]) -> HttpResponse:
        common = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "media": self.media,
            "preserved_filters": self.get_preserved_filters(request),
            "list_url": self._kept(request, "changelist"),
        }
        return TemplateResponse(request, f"admin/offers/offer/{name}.html", {**common, **context})

    def _kept(self, request: HttpRequest, name: str) -> str:
        """Return the address of one of this admin's pages, which remembers how the list was filtered."""
        url = reverse(f"admin:offers_offer_{name}", current_app=self.admin_site.name)
        return add_preserved_filters({"preserved_filters": self.get_preserved_filters(request), "opts": self.opts}, url)

"""The two pages of an action: one that asks for confirmation, and one that lists the outcomes."""

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
from offers.admin.presentation import OfferPresenter
from offers.admin.read_only import MAX_ROWS, TOO_MANY, ReadOnlyAdmin
from offers.admin.selection import ExtensionForm, Selection
from offers.models import Offer

_STALE = "That page is no longer valid. Nothing was done: choose the offers again."


class ConfirmedActions(ReadOnlyAdmin):
    """Actions on offers that ask for confirmation first.

    The list's form answers with the confirmation page, which posts to an address of its own. The list's filters do not
    apply there, so an offer that no longer matches them has an outcome too.
    """

    actions = ("extend", "expire_now", "decline")

    @admin.action(description="Extend…", permissions=["change"])
    def extend(self, request: HttpRequest, queryset: QuerySet[Offer]) -> HttpResponse | None:
        return self._confirm(request, EXTEND, queryset)

    @admin.action(description="Expire now…", permissions=["change"])
    def expire_now(self, request: HttpRequest, queryset: QuerySet[Offer]) -> HttpResponse | None:
        return self._confirm(request, EXPIRE_NOW, queryset)

    @admin.action(description="Decline…", permissions=["change"])
    def decline(self, request: HttpRequest, queryset: QuerySet[Offer]) -> HttpResponse | None:
        return self._confirm(request, DECLINE, queryset)

    def get_urls(self) -> list[Any]:
        act = path("act/", self.admin_site.admin_view(self.act_view), name="offers_offer_act")
        return [act, *super().get_urls()]

    def act_view(self, request: HttpRequest) -> HttpResponseBase:
        """Run a confirmed action and show the outcomes. Without a valid confirmation, redirect to the list."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseRedirect(self._url(request, "changelist"))
        selection = Selection.read(request.POST.get("choice", ""))
        if selection is None:
            self.message_user(request, _STALE, messages.ERROR)
            return HttpResponseRedirect(self._url(request, "changelist"))
        if selection.action != EXTEND.name:
            return self._run(request, selection, timedelta())
        form = ExtensionForm(request.POST)
        if form.is_valid():
            return self._run(request, selection, form.cleaned_data["more"])
        chosen = self.get_queryset(request).filter(pk__in=selection.ends)
        return self._confirm(request, EXTEND, chosen.order_by("-pk"), form)

    def _confirm(
        self, request: HttpRequest, action: StaffAction, chosen: QuerySet[Offer], form: ExtensionForm | None = None
    ) -> HttpResponse | None:
        offers = list(chosen[: MAX_ROWS + 1])
        if len(offers) > MAX_ROWS:
            self.message_user(request, TOO_MANY, messages.ERROR)
            return None
        rows = [OfferPresenter(offer) for offer in offers]
        alive = sum(row.alive for row in rows)
        title = f"{action.verb}: {alive} offer{'' if alive == 1 else 's'}?"
        context = {
            "action": action,
            "rows": rows,
            "alive": alive,
            "closed": len(rows) - alive,
            "choice": Selection.of(action.name, offers).sign(),
            "form": (form or ExtensionForm()) if action.extends else None,
            "act_url": self._url(request, "act"),
        }
        return self._render(request, "confirmation", title, context)

    def _run(self, request: HttpRequest, selection: Selection, more: timedelta) -> HttpResponse:
        def log(offer: Offer, message: str) -> None:
            self.log_change(request, offer, message)

        outcomes = list(act_on_each(selection, request.user, more, log))
        done = sum(outcome.done for outcome in outcomes)
        title = f"{done} of {len(outcomes)} offer{'' if len(outcomes) == 1 else 's'} {ACTIONS[selection.action].done}"
        return self._render(request, "outcome", title, {"outcomes": outcomes})

    def _render(self, request: HttpRequest, name: str, title: str, context: dict[str, Any]) -> HttpResponse:
        common = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "media": self.media,
            "preserved_filters": self.get_preserved_filters(request),
            "list_url": self._url(request, "changelist"),
        }
        return TemplateResponse(request, f"admin/offers/offer/{name}.html", {**common, **context})

    def _url(self, request: HttpRequest, name: str) -> str:
        """Return the address of one of this admin's pages, with the filters of the list preserved."""
        url = reverse(f"admin:offers_offer_{name}", current_app=self.admin_site.name)
        return add_preserved_filters({"preserved_filters": self.get_preserved_filters(request), "opts": self.opts}, url)

"""The base of offers and events in the admin: rows that are never edited, but have actions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse

from caching import row_id
from offers.admin.pages import CappedPaginator

# Rows that one action takes at most: each has a transaction of its own, and the request waits for all of them.
MAX_ROWS = 500
TOO_MANY = (
    f"An action takes at most {MAX_ROWS} rows, and you chose more. Nothing was done. "
    "Narrow the list with the filters or the search, or choose page by page."
)


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows without add, edit or delete. The permission to change them is the permission to run actions."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator
    change_list_template = "admin/offers/change_list.html"

    class Media:
        css = {"all": ["offers/admin.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        # Django would answer an action without permission with the list, as if no action had been requested.
        if request.method == "POST" and not self.has_change_permission(request):
            raise PermissionDenied
        if not all(map(row_id, request.POST.getlist(ACTION_CHECKBOX_NAME))):
            raise BadRequest("The chosen rows include something that is not an id.")
        return super().changelist_view(request, extra_context)

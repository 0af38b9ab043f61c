"""Products in the admin, with their live view counts. A product is withdrawn here, never deleted."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db import models
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone

from caching import row_id
from caching.redis import REDIS_ERRORS
from products.admin.filters import CategoryFilter
from products.admin.history import chapters
from products.admin.live import AWAY, LiveChangeList, attach_live, totals
from products.models import SEARCH_CONFIG, Product, ProductViews
from products.money import text
from products.services import withdraw_products
from products.visitors import visitors


class ViewsInline(admin.StackedInline):
    """The row that the flush writes."""

    model = ProductViews
    fields = readonly_fields = ("views",)
    verbose_name_plural = "views as far as flushed"
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    """Products, newest first.

    Status changes by the action and by sales only, since the offers on a product depend on it; seller and
    currency are fixed for the same reason.
    """

    list_display = ("id", "title", "money", "status", "seller", "category", "live_views", "created")
    list_display_links = ("id", "title")
    list_filter = ("status", "currency", CategoryFilter)
    list_select_related = ("seller", "category")
    list_per_page = 50
    search_fields = ("title",)
    search_help_text = "Beginnings of words in title or description, or a product's id"
    ordering = ("-id",)
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    autocomplete_fields = ("seller", "category")
    actions = ("withdraw",)
    inlines = (ViewsInline,)
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    fieldsets = (
        (None, {"fields": ("title", "description", "category", "image_url")}),
        ("Sale", {"fields": ("seller", "price", "currency", "status")}),
        ("Views", {"fields": ("live_views", "flushed_views", "pending_views", "unique_visitors", "history")}),
        ("Origin", {"fields": ("source", "source_id", "created_at", "updated_at")}),
    )
    always_readonly = (
        "status", "live_views", "flushed_views", "pending_views", "unique_visitors", "history", "source", "source_id",
        "created_at", "updated_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        return super().get_queryset(request).annotate(flushed=Coalesce(F("views__views"), 0))

    def get_readonly_fields(self, request: HttpRequest, obj: Product | None = None) -> tuple[str, ...]:
        return self.always_readonly if obj is None else (*self.always_readonly, "seller", "currency")

    def get_fieldsets(self, request: HttpRequest, obj: Product | None = None) -> Any:
        return self.fieldsets if obj is not None else self.fieldsets[:2]

    def get_inlines(self, request: HttpRequest, obj: Product | None) -> Any:
        return self.inlines if obj is not None else ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[LiveChangeList]:
        return LiveChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Product], search_term: str
    ) -> tuple[QuerySet[Product], bool]:
        """Narrow by the beginnings of words, by the index that the API's search uses, or by an id."""
        words = search_term.replace("'", " ").replace("\\", " ").replace("\0", " ").split()
        if not words:
            return queryset, False
        prefixes = SearchQuery(" & ".join(f"'{word}':*" for word in words), config=SEARCH_CONFIG, search_type="raw")
        found = Q(words=prefixes)
        if len(words) == 1 and (number := row_id(words[0])) is not None:
            found |= Q(pk=number)
        vector = SearchVector("title", "description", config=SEARCH_CONFIG)
        return queryset.alias(words=vector).filter(found), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        shown = request.method == "GET" and self.has_view_or_change_permission(request)
        return super().changelist_view(request, {**(extra_context or {}), "totals": totals() if shown else None})

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        product = super().get_object(request, object_id, from_field)
        if product is not None and not attach_live([product]):
            self.message_user(request, AWAY, messages.WARNING)
        return product

    def save_model(self, request: HttpRequest, obj: Product, form: Any, change: bool) -> None:
        """Save only the fields that the form changed: the product may have been sold meanwhile."""
        obj.updated_at = timezone.now()
        if change:
            obj.save(update_fields=[*form.changed_data, "updated_at"])
        else:
            obj.save()
            ProductViews.objects.create(product=obj)

    def has_delete_permission(self, request: HttpRequest, obj: Product | None = None) -> bool:
        return False

    @admin.display(description="price", ordering="price")
    def money(self, product: Product) -> str:
        return f"{text(product.price, product.currency)} {product.currency}"

    @admin.display(ordering="created_at")
    def created(self, product: Product) -> str:
        return f"{product.created_at:%Y-%m-%d}"

    @admin.display(description="live views")
    def live_views(self, product: Any) -> int:
        return int(product.live)

    @admin.display(description="flushed views")
    def flushed_views(self, product: Any) -> int:
        return int(product.flushed)

    @admin.display(description="views waiting for the flush")
    def pending_views(self, product: Any) -> int:
        return max(0, int(product.live - product.flushed))

    @admin.display(description="different visitors")
    def unique_visitors(self, product: Any) -> str:
        days = settings.VIEW_UNIQUE_DAYS
        if not days:
            return "Not kept: VIEW_UNIQUE_DAYS is 0."
        try:
            found = visitors(product.pk)
        except REDIS_ERRORS:
            return "Unknown while Redis is away."
        return f"About {found.today} today, {found.kept} in {days} days."

    @admin.display(description="history of views")
    def history(self, product: Any) -> str:
        return render_to_string("admin/products/history.html", {"chapters": chapters(product.pk)})

    @admin.action(description="Withdraw: take off the market and decline the offers on it", permissions=["change"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        withdrawn = withdraw_products(queryset.order_by().values_list("pk", flat=True), request.user)
        changed = Product.objects.filter(pk__in=withdrawn)
        LogEntry.objects.log_actions(request.user.pk, changed, CHANGE, "Withdrawn.")
        self.message_user(request, f"{len(withdrawn)} products were withdrawn.", messages.SUCCESS)

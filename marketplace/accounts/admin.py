"""The admin of users and of their tokens."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest
from knox.models import AuthToken

from marketplace.accounts.models import User

admin.site.site_header = admin.site.site_title = "Marketplace"
admin.site.unregister(AuthToken)


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """Users by name, with their display name beside it."""

    list_display = ("username", "display_name", "is_active", "is_staff", "date_joined", "last_login")
    search_fields = ("username", "display_name", "email")
    ordering = ("-date_joined", "-id")
    date_hierarchy = "date_joined"
    fieldsets = (
        (None, {"fields": ("username", "display_name", "password")}),
        ("Personal info", {"fields": ("first_name", "last_name", "email")}),
        ("Permissions", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Important dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {"classes": ("wide",), "fields": ("username", "display_name", "usable_password", "password1", "password2")},
        ),
    )


@admin.register(AuthToken)
class TokenAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Tokens by user and expiry. Deleting one logs that device out; only the API makes tokens."""

    list_display = ("user", "created", "expiry")
    list_select_related = ("user",)
    search_fields = ("user__username",)
    search_help_text = "Username"
    ordering = ("-created",)
    fields = ("user", "created", "expiry")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

"""The admin of users: Django's own, with the name that other people see."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin

from marketplace.accounts.models import User


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

"""The actor of an event, as far as a member of the staff may see users."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_permission_codename, get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.urls import reverse
from django.utils.html import format_html

from offers.models import OfferEvent


def may_see_people(viewer: Any) -> bool:
    """Return whether a member of the staff may see users in the admin."""
    opts = get_user_model()._meta
    names = (get_permission_codename(name, opts) for name in ("view", "change"))
    return any(viewer.has_perm(f"{opts.app_label}.{name}") for name in names)


def actor_label(event: OfferEvent, link: bool) -> str:
    """Return actor and role, as in `ada (buyer)`; with `link` the name links to the user."""
    role = event.get_role_display()
    if event.actor is None:
        return role
    return format_html("{} ({})", _named(event.actor, link), role.lower())


def _named(person: AbstractBaseUser, link: bool) -> str:
    username = person.get_username()
    if not link:
        return username
    opts = person._meta
    url = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[person.pk])
    return format_html('<a href="{}">{}</a>', url, username)

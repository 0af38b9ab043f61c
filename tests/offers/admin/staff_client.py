"""Browsers of members of the staff, and the steps that they take in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission
from django.test import Client

from tests.factories import UserFactory

LIST = "/admin/offers/offer/"
EVENTS = "/admin/offers/offerevent/"
ACT = f"{LIST}act/"


def staff(*permissions: str, username: str = "clerk", **options: Any) -> Client:
    """Return the browser of a member of the staff who has these permissions and no others."""
    user = UserFactory(username=username, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client(**options)
    client.force_login(user)
    return client


def page_of(offer: Any) -> str:
    return f"{LIST}{offer.pk}/change/"


def listed(client: Client, query: str = "", url: str = LIST) -> set[int]:
    """Return the ids on the first page of a list."""
    return {row.pk for row in client.get(url + query).context["cl"].result_list}


def choose(client: Client, action: str, *rows: Any, url: str = LIST, **data: Any) -> Any:
    """Choose an action on rows of a list, and return the response."""
    return client.post(url, {"action": action, "_selected_action": [row.pk for row in rows], **data})


def confirm(client: Client, asked: Any, **data: Any) -> Any:
    """Submit the form of a confirmation, and return the response."""
    return client.post(asked.context["act_url"], {"choice": asked.context["choice"], **data})


def act(client: Client, action: str, *offers: Any, **data: Any) -> dict[int, tuple[bool, str]]:
    """Choose and confirm an action; return the outcome of each offer."""
    return outcomes_of(confirm(client, choose(client, action, *offers), **data))


def outcomes_of(response: Any) -> dict[int, tuple[bool, str]]:
    assert response.status_code == 200
    return {row.offer_id: (row.done, row.detail) for row in response.context["outcomes"]}


def messages_of(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]

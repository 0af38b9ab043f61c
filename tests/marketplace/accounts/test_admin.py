"""The admin of users, by a superuser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from marketplace.accounts.models import User
from tests.marketplace.credentials import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin(make_user: Callable[..., User], client: Any) -> Any:
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    return client


def test_users_are_listed_and_found_by_display_name(admin: Any, make_user: Callable[..., User]) -> None:
    make_user("ada", display_name="Countess")
    make_user("bob")

    page = admin.get("/admin/accounts/user/?q=countess").content.decode()

    assert "ada" in page
    assert ">bob<" not in page


def test_a_user_is_added_with_a_display_name(admin: Any) -> None:
    form = {
        "username": "new",
        "display_name": "New One",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }

    response = admin.post("/admin/accounts/user/add/", form)

    assert response.status_code == 302, response.content
    assert User.objects.get(username="new").check_password(PASSWORD)


def test_a_name_taken_in_another_case_is_a_form_error(admin: Any) -> None:
    form = {
        "username": "ROOT",
        "display_name": "R",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }

    response = admin.post("/admin/accounts/user/add/", form)

    assert response.status_code == 200
    assert b"already exists" in response.content


def test_a_change_in_the_admin_is_seen_by_the_next_batch(
    admin: Any, api: APIClient, make_user: Callable[..., User]
) -> None:
    user = make_user("ada")
    api.post("/api/v1/batch/users", {"user_ids": [user.pk]}, format="json")
    form = {
        "username": "ada",
        "display_name": "Countess",
        "is_active": "on",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
    }

    response = admin.post(f"/admin/accounts/user/{user.pk}/change/", form)

    assert response.status_code == 302, response.content
    (seen,) = api.post("/api/v1/batch/users", {"user_ids": [user.pk]}, format="json").json()
    assert seen["display_name"] == "Countess"

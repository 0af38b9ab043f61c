"""Many public users in one request: order, freshness, and queries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from pytest_django.fixtures import DjangoAssertNumQueries
from rest_framework.test import APIClient

from caching import invalidate
from marketplace.accounts.cache import users
from marketplace.accounts.models import User
from tests.marketplace.problems import problem

# Entries are filled outside transactions only, so these tests commit.
pytestmark = pytest.mark.django_db(transaction=True)


def batch(api: APIClient, ids: list[Any]) -> Any:
    return api.post("/api/v1/batch/users", {"user_ids": ids}, format="json")


def names(response: Any) -> list[str]:
    return [user["display_name"] for user in response.json()]


def test_users_come_in_the_order_asked_for_each_once(api: APIClient, make_user: Callable[..., User]) -> None:
    ada, bob, cid = (make_user(name).pk for name in ("ada", "bob", "cid"))

    response = batch(api, [cid, str(ada), 10**12, cid, bob, ada, -1, 0])

    assert response.status_code == 200
    assert names(response) == ["Cid", "Ada", "Bob"]


def test_a_public_user_is_these_members_and_no_others(api: APIClient, make_user: Callable[..., User]) -> None:
    user = make_user("ada", email="ada@example.com", first_name="Augusta")

    (body,) = batch(api, [user.pk]).json()

    joined = user.date_joined.isoformat().replace("+00:00", "Z")
    assert body == {"id": user.pk, "username": "ada", "display_name": "Ada", "date_joined": joined}


@pytest.mark.parametrize("ids", [["x"], [1.5], [None], [True], [[1]], [{}], ["1.0"], ["١"]])
def test_what_is_no_id_is_named_by_its_index(api: APIClient, ids: list[Any]) -> None:
    body = problem(batch(api, [7, *ids]), 400, "invalid_input")

    assert list(body["errors"]) == ["user_ids.1"]


@pytest.mark.parametrize("payload", [{}, {"user_ids": 5}, {"user_ids": "1"}, {"user_ids": None}, {"ids": [1]}])
def test_without_a_list_there_is_no_batch(api: APIClient, payload: dict[str, Any]) -> None:
    body = problem(api.post("/api/v1/batch/users", payload, format="json"), 400, "invalid_input")

    assert list(body["errors"]) == ["user_ids"]


def test_a_hundred_is_the_most(api: APIClient) -> None:
    assert batch(api, list(range(1, 101))).json() == []
    problem(batch(api, list(range(1, 102))), 400, "invalid_input")
    assert batch(api, []).json() == []


def test_an_invalid_token_does_not_stop_a_read(api: APIClient) -> None:
    api.credentials(HTTP_AUTHORIZATION="Token nonsense")

    assert batch(api, [1]).status_code == 200


def test_the_second_time_the_database_is_not_asked(
    api: APIClient,
    make_user: Callable[..., User],
    django_assert_num_queries: DjangoAssertNumQueries,
    redis_commands: Callable[..., Any],
) -> None:
    ids = [make_user(f"u{number}").pk for number in range(20)]

    with django_assert_num_queries(1):
        first = batch(api, [*ids, 999_999])
    with django_assert_num_queries(0), redis_commands() as trips:
        second = batch(api, [*ids, 999_999])

    assert first["Cache-Status"] == "marketplace; fwd=miss"
    assert second["Cache-Status"] == "marketplace; hit"
    assert first.content == second.content
    assert len(trips) == 1


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (lambda user: _save(user, display_name="Countess"), ["Countess"]),
        (lambda user: _save(user, is_active=False), []),
        (lambda user: user.delete(), []),
        (lambda user: _update(user, display_name="Bulk"), ["Bulk"]),
    ],
    ids=["renamed", "deactivated", "deleted", "updated-in-bulk"],
)
def test_the_next_request_sees_a_change(
    api: APIClient, make_user: Callable[..., User], change: Callable[[User], Any], seen: list[str]
) -> None:
    user = make_user("ada")
    assert names(batch(api, [user.pk])) == ["Ada"]
    pk = user.pk

    change(user)

    assert names(batch(api, [pk])) == seen


def test_a_change_that_is_rolled_back_invalidates_nothing(
    api: APIClient, make_user: Callable[..., User], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    user = make_user("ada")
    batch(api, [user.pk])

    with transaction.atomic():
        _save(user, display_name="Never")
        transaction.set_rollback(True)

    with django_assert_num_queries(0):
        assert names(batch(api, [user.pk])) == ["Ada"]


def test_a_user_who_was_missing_is_seen_once_registered(api: APIClient, make_user: Callable[..., User]) -> None:
    pk = make_user("ada").pk + 1
    assert batch(api, [pk]).json() == []

    late = make_user("late", id=pk)

    assert names(batch(api, [late.pk])) == ["Late"]


def test_a_login_leaves_the_entry_alone(
    api: APIClient, make_user: Callable[..., User], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    user = make_user("ada")
    batch(api, [user.pk])

    user.save(update_fields=["last_login"])

    with django_assert_num_queries(0):
        assert names(batch(api, [user.pk])) == ["Ada"]


def test_writing_to_the_batch_is_reading(api: APIClient, settings: Any) -> None:
    settings.REST_FRAMEWORK = {
        **settings.REST_FRAMEWORK,
        "DEFAULT_THROTTLE_RATES": {**settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "write": "1/min"},
    }

    assert {batch(api, []).status_code for _ in range(5)} == {200}


def _save(user: User, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(user, name, value)
    user.save()


def _update(user: User, **changes: Any) -> None:
    User.objects.filter(pk=user.pk).update(**changes)
    invalidate(users, [user.pk])

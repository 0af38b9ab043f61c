"""Registration, login and logout."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from knox.models import get_token_model
from rest_framework.exceptions import ValidationError
from rest_framework.test import APIClient

from marketplace.accounts.api.serializers import RegistrationSerializer
from marketplace.accounts.models import User
from tests.marketplace.credentials import PASSWORD
from tests.marketplace.problems import problem

pytestmark = pytest.mark.django_db

ACCOUNT = {"username": "Ada", "password": PASSWORD, "display_name": "Ada L."}


def register(api: APIClient, **changes: Any) -> Any:
    account = {key: value for key, value in {**ACCOUNT, **changes}.items() if value is not None}
    return api.post("/api/v1/auth/register", account, format="json")


def login(api: APIClient, username: str = "Ada", password: str = PASSWORD) -> Any:
    return api.post("/api/v1/auth/login", {"username": username, "password": password}, format="json")


def test_a_registration_answers_the_public_user_and_a_token_that_works(api: APIClient) -> None:
    response = register(api)

    assert response.status_code == 201
    assert response["Cache-Control"] == "no-store"
    body = response.json()
    user = User.objects.get(username="Ada")
    joined = user.date_joined.isoformat().replace("+00:00", "Z")
    assert body["user"] == {"id": user.pk, "username": "Ada", "display_name": "Ada L.", "date_joined": joined}
    assert set(body) == {"user", "token"}
    assert user.check_password(PASSWORD)
    logout = api.post("/api/v1/auth/logout", headers={"authorization": f"Token {body['token']}"})
    assert logout.status_code == 204


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"username": None}, "username"),
        ({"username": ""}, "username"),
        ({"username": "a b"}, "username"),
        ({"username": "x" * 151}, "username"),
        ({"username": ["a"]}, "username"),
        ({"password": None}, "password"),
        ({"password": ""}, "password"),
        ({"password": "short1"}, "password"),
        ({"password": "password"}, "password"),
        ({"password": "8675309867"}, "password"),
        ({"username": "grace.hopper", "password": "grace.hopper"}, "password"),
        ({"password": "y" * 129}, "password"),
        ({"display_name": None}, "display_name"),
        ({"display_name": "   "}, "display_name"),
        ({"display_name": "n" * 81}, "display_name"),
        ({"display_name": None, "password": "short1"}, "display_name"),
    ],
)
def test_what_is_wrong_is_said_by_field(api: APIClient, changes: dict[str, Any], field: str) -> None:
    body = problem(register(api, **changes), 400, "invalid_input")

    assert list(body["errors"]) == [field]
    assert not User.objects.exists()


@pytest.mark.parametrize("field", ["is_staff", "is_superuser", "id", "email"])
def test_nobody_registers_as_more_than_a_user(api: APIClient, field: str) -> None:
    assert register(api, **{field: "1"}).status_code == 201

    user = User.objects.get()
    assert (user.is_staff, user.is_superuser, user.email) == (False, False, "")


@pytest.mark.parametrize("name", ["Ada", "ada", "ADA", " ada ", "\uff21da"])
def test_a_username_is_taken_in_every_case_and_form(api: APIClient, name: str) -> None:
    register(api)

    body = problem(register(api, username=name), 400, "invalid_input")

    assert body["errors"] == {"username": ["A user with that username already exists."]}


def test_the_database_itself_holds_usernames_unique_in_any_case(make_user: Callable[..., User]) -> None:
    make_user("ada")

    with pytest.raises(IntegrityError), transaction.atomic():
        make_user("ADA")


def test_a_name_taken_between_check_and_insert_is_a_field_error(db: None) -> None:
    # given two registrations that were both found valid
    first, second = (RegistrationSerializer(data={**ACCOUNT, "username": name}) for name in ("ada", "ADA"))
    assert first.is_valid()
    assert second.is_valid()
    first.save()

    # when the second is saved too, then it is refused as input
    with pytest.raises(ValidationError) as refused:
        second.save()
    assert "username" in refused.value.detail


@pytest.mark.django_db(transaction=True)
def test_of_equal_registrations_at_once_one_is_made(api: APIClient) -> None:
    barrier, statuses = threading.Barrier(4), []

    def go(name: str) -> None:
        barrier.wait()
        statuses.append(register(APIClient(raise_request_exception=False), username=name).status_code)
        connection.close()

    threads = [threading.Thread(target=go, args=(name,)) for name in ("ada", "Ada", "aDa", "ADA")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [201, 400, 400, 400]
    assert User.objects.count() == 1


@pytest.mark.parametrize("name", ["ada", "ADA", " Ada "])
def test_a_login_answers_a_token_and_when_it_expires(api: APIClient, make_user: Callable[..., User], name: str) -> None:
    user = make_user("Ada")

    response = login(api, name)

    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert set(response.json()) == {"token", "expiry"}
    assert response.json()["expiry"].endswith("Z")
    user.refresh_from_db()
    assert user.last_login is not None


def test_wrong_unknown_and_inactive_are_refused_alike(api: APIClient, make_user: Callable[..., User]) -> None:
    make_user("ada")
    make_user("off", is_active=False)

    answers = [login(api, "ada", "wrong"), login(api, "nobody"), login(api, "off")]

    bodies = [problem(answer, 401, "invalid_credentials") for answer in answers]
    assert bodies[0] == bodies[1] == bodies[2]
    assert {answer["WWW-Authenticate"] for answer in answers} == {"Token"}


def test_the_time_of_a_refusal_does_not_reveal_whether_the_user_exists(
    api: APIClient, settings: Any, make_user: Callable[..., User]
) -> None:
    settings.PASSWORD_HASHERS = ["tests.marketplace.credentials.MeasurableHasher"]
    make_user("ada")
    make_user("off", is_active=False)

    def seconds(name: str) -> float:
        times = []
        for _ in range(3):
            started = time.perf_counter()
            problem(login(api, name, "wrong"), 401, "invalid_credentials")
            times.append(time.perf_counter() - started)
        return statistics.median(times)

    known, unknown, inactive = seconds("ada"), seconds("nobody"), seconds("off")

    # A lookup without a hash would take a hundredth of the time.
    assert min(known, unknown, inactive) > max(known, unknown, inactive) / 3


def test_an_invalid_token_does_not_stop_a_login(api: APIClient, make_user: Callable[..., User]) -> None:
    make_user("ada")
    api.credentials(HTTP_AUTHORIZATION="Token 0123456789")

    assert login(api, "ada").status_code == 200


def test_a_logout_ends_its_own_token_only(
    api: APIClient, make_user: Callable[..., User], token_of: Callable[..., str]
) -> None:
    user = make_user()
    phone, laptop = token_of(user), token_of(user)

    assert api.post("/api/v1/auth/logout", headers={"authorization": phone}).status_code == 204

    again = api.post("/api/v1/auth/logout", headers={"authorization": phone})
    problem(again, 401, "authentication_failed")
    assert again["WWW-Authenticate"] == "Token"
    assert api.post("/api/v1/auth/logout", headers={"authorization": laptop}).status_code == 204


@pytest.mark.parametrize(
    "header", ["Token", "Token a b", "Token zzz", "Token \xff\xfe", "Token a\x00b", "Token " + "9" * 5000]
)
def test_a_malformed_token_is_401(api: APIClient, header: str) -> None:
    response = api.post("/api/v1/auth/logout", headers={"authorization": header})

    problem(response, 401, "authentication_failed")
    assert response["WWW-Authenticate"] == "Token"


def test_expired_tokens_and_those_of_inactive_users_are_401(
    api: APIClient, make_user: Callable[..., User], token_of: Callable[..., str]
) -> None:
    expired = token_of(make_user("ada"), expiry=timedelta(seconds=-1))
    inactive = token_of(make_user("off", is_active=False))

    for header in (expired, inactive):
        problem(api.post("/api/v1/auth/logout", headers={"authorization": header}), 401, "authentication_failed")


def test_tokens_are_not_stored_as_they_are(api: APIClient) -> None:
    token = register(api).json()["token"]

    record = get_token_model().objects.get()
    assert token not in (record.digest, record.token_key)

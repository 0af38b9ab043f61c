"""Throttles: counted exactly, for the right client, and never an error of their own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient, APIRequestFactory

from caching.redis.connections import client
from marketplace.accounts.models import User
from marketplace.api.throttles import RegisterThrottle
from tests.marketplace.credentials import PASSWORD
from tests.marketplace.problems import problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def rates(settings: Any) -> Callable[..., None]:
    def change(**rates: str) -> None:
        before = settings.REST_FRAMEWORK
        settings.REST_FRAMEWORK = {
            **before,
            "DEFAULT_THROTTLE_RATES": {**before["DEFAULT_THROTTLE_RATES"], **rates},
        }

    return change


def login(api: APIClient, username: str, address: str = "192.0.2.1") -> Any:
    return api.post("/api/v1/auth/login", {"username": username, "password": "x"}, format="json", REMOTE_ADDR=address)


def test_logins_are_limited_by_address_and_username(api: APIClient, rates: Callable[..., None]) -> None:
    # given three attempts a minute
    rates(login="3/min")
    for name in ("ada", "ADA", " Ada "):
        problem(login(api, name), 401, "invalid_credentials")

    # when a fourth comes, in whatever case
    response = login(api, "aDa")

    # then it is refused with a Retry-After
    problem(response, 429, "throttled")
    assert 1 <= int(response["Retry-After"]) <= 60
    # and neither another name nor another address is
    problem(login(api, "bob"), 401, "invalid_credentials")
    problem(login(api, "ada", "192.0.2.2"), 401, "invalid_credentials")


def test_a_forwarded_address_is_not_believed_without_a_proxy(api: APIClient, rates: Callable[..., None]) -> None:
    rates(login="1/min")
    login(api, "ada")

    api.credentials(HTTP_X_FORWARDED_FOR="203.0.113.9")

    problem(login(api, "ada"), 429, "throttled")


def test_the_window_ends_by_itself(api: APIClient, rates: Callable[..., None]) -> None:
    rates(login="1/min")
    login(api, "ada")
    (key,) = client("cache").keys("*:t:login:*")

    assert 59_000 < client("cache").pttl(key) <= 60_000
    client("cache").pexpire(key, 0)

    problem(login(api, "ada"), 401, "invalid_credentials")


def test_registrations_are_limited_by_address(api: APIClient, rates: Callable[..., None]) -> None:
    rates(register="1/hour")
    api.post("/api/v1/auth/register", {}, format="json")

    problem(api.post("/api/v1/auth/register", {}, format="json"), 429, "throttled")


def test_writes_are_limited_by_user_and_reads_by_nothing(
    api: APIClient, rates: Callable[..., None], make_user: Callable[..., User], token_of: Callable[..., str]
) -> None:
    rates(write="1/min")
    headers = {"authorization": token_of(make_user("ada"))}
    other = {"authorization": token_of(make_user("bob"))}

    for _ in range(3):
        assert api.post("/api/v1/batch/users", {"user_ids": []}, format="json").status_code == 200
        assert api.get("/api/v1/jobs", headers=headers).status_code == 403
    api.post("/api/v1/auth/logout", headers={"authorization": token_of(User.objects.get(username="ada"))})

    problem(api.post("/api/v1/auth/logout", headers=headers), 429, "throttled")
    assert api.post("/api/v1/auth/logout", headers=other).status_code == 204


def test_an_empty_rate_is_no_limit(api: APIClient, rates: Callable[..., None]) -> None:
    rates(login="", write="")

    assert {login(api, "ada").status_code for _ in range(15)} == {401}


def test_parallel_requests_are_counted_exactly(rates: Callable[..., None]) -> None:
    rates(register="10/hour")
    request = APIRequestFactory().post("/")
    barrier, allowed = threading.Barrier(8), []

    def ask() -> None:
        barrier.wait()
        allowed.extend(RegisterThrottle().allow_request(request, None) for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert allowed.count(True) == 10


@pytest.mark.fault
def test_without_redis_people_can_log_in(api: APIClient, settings: Any, make_user: Callable[..., User]) -> None:
    # given a Redis that is not there
    make_user("ada")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{free.getsockname()[1]}/0"
    settings.CACHING = {**settings.CACHING, "URL": url, "STATE_URL": url}

    # when more people than the limit log in
    answers = [
        api.post("/api/v1/auth/login", {"username": "ada", "password": PASSWORD}, format="json") for _ in range(12)
    ]

    # then all of them are in
    assert {answer.status_code for answer in answers} == {200}

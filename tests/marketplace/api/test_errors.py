"""Every failure is a problem, whatever raises it, with DEBUG on or off."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.core.signals import got_request_exception
from rest_framework.test import APIClient

from tests.marketplace.problems import problem

pytestmark = [pytest.mark.urls("tests.marketplace.api.raising"), pytest.mark.django_db]

BOTH = pytest.mark.parametrize("kind", ["drf", "plain"])
DEBUG = pytest.mark.parametrize("debug", [False, True])


@BOTH
@DEBUG
@pytest.mark.parametrize(
    ("way", "status", "code"),
    [
        ("bug", 500, "internal_error"),
        ("not-found", 404, "not_found"),
        ("denied", 403, "permission_denied"),
        ("suspicious", 400, "bad_request"),
        ("bad", 400, "bad_request"),
        ("no-database", 503, "database_unavailable"),
        ("slow-statement", 503, "database_unavailable"),
        ("pool", 503, "database_unavailable"),
    ],
)
def test_failures_are_problems_without_secrets(
    api: APIClient, settings: Any, kind: str, debug: bool, way: str, status: int, code: str
) -> None:
    settings.DEBUG = debug

    response = api.get(f"/{kind}/{way}")

    problem(response, status, code)
    assert b"secret" not in response.content
    assert ("Retry-After" in response) == (status == 503)


@BOTH
@pytest.mark.parametrize(("way", "detail"), [("not-found", "There is no product 5."), ("denied", "Not yours.")])
def test_what_a_view_wrote_for_the_client_reaches_it(api: APIClient, kind: str, way: str, detail: str) -> None:
    assert api.get(f"/{kind}/{way}").json()["detail"] == detail


@BOTH
def test_a_bug_is_logged_once_with_its_traceback_and_signalled(
    api: APIClient, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    signalled: list[Any] = []

    def hear(sender: Any, request: Any, **_: Any) -> None:
        signalled.append(request.path)

    got_request_exception.connect(hear)
    with caplog.at_level(logging.ERROR):
        problem(api.get(f"/{kind}/bug"), 500, "internal_error")
    got_request_exception.disconnect(hear)

    assert signalled == [f"/{kind}/bug"]
    (record,) = caplog.records
    assert record.exc_info
    assert record.exc_info[0] is KeyError


def test_an_outage_of_the_database_is_one_line_in_the_log(api: APIClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        problem(api.get("/drf/no-database"), 503, "database_unavailable")

    (record,) = caplog.records
    assert record.exc_info is None
    assert "/drf/no-database" in record.getMessage()


@DEBUG
def test_what_cannot_be_rendered_is_a_problem_too(api: APIClient, settings: Any, debug: bool) -> None:
    settings.DEBUG = debug

    problem(api.get("/drf/unrenderable"), 500, "internal_error")


@BOTH
@pytest.mark.parametrize(
    ("way", "status", "code", "detail"),
    [
        ("forbidden", 403, "not_yours", "This is not yours."),
        ("conflict", 409, "offer_closed", "The offer is closed."),
        ("invalid-input", 400, "invalid_input", "price: Too low."),
    ],
)
def test_each_kind_of_refusal_has_its_status(
    api: APIClient, kind: str, way: str, status: int, code: str, detail: str
) -> None:
    body = problem(api.get(f"/{kind}/{way}"), status, code)

    assert body["detail"] == detail
    assert body.get("errors") == ({"price": ["Too low."]} if way == "invalid-input" else None)


def test_extension_members_are_added_and_replace_no_standard_one(api: APIClient) -> None:
    body = problem(api.get("/drf/conflict"), 409, "offer_closed")

    assert body["offer_status"] == "accepted"
    assert body["detail"] == "The offer is closed."


def test_a_fraction_of_a_second_is_rounded_up_in_retry_after(api: APIClient) -> None:
    response = api.get("/drf/throttled")

    problem(response, 429, "throttled")
    assert response["Retry-After"] == "1"


def test_nested_input_errors_are_flat_with_dotted_paths(api: APIClient) -> None:
    body = problem(api.get("/drf/nested"), 400, "invalid_input")

    assert body["errors"] == {"items.1.price": ["Too low."], "lines.1.sku": ["Unknown."], "x": ["No."]}


def test_an_error_of_no_field_is_the_detail(api: APIClient) -> None:
    body = problem(api.get("/drf/plain"), 400, "invalid_input")

    assert body["detail"] == "Not today."
    assert body["errors"] == {"non_field_errors": ["Not today."]}


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
@DEBUG
def test_unknown_routes_are_problems(api: APIClient, settings: Any, method: str, debug: bool) -> None:
    settings.DEBUG = debug

    problem(getattr(api, method)("/api/v1/nothing/here"), 404, "not_found")


@pytest.mark.parametrize(("way", "status"), [("bug", 500), ("not-found", 404), ("denied", 403), ("bad", 400)])
def test_the_admin_keeps_its_html(api: APIClient, way: str, status: int) -> None:
    response = api.get(f"/admin/{way}/")

    assert response.status_code == status
    assert response["Content-Type"].startswith("text/html")


def test_a_foreign_host_is_a_problem(api: APIClient) -> None:
    problem(api.get("/", HTTP_HOST="evil.example"), 400, "bad_request")

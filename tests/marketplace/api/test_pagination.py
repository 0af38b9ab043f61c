"""Cursor pages: complete, without repeats, and safe from forged cursors."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from marketplace.accounts.models import User
from marketplace.api.pagination import CursorPages

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 1, tzinfo=UTC)


class Newest(CursorPages):
    ordering = ("-date_joined", "-id")


def read(query: str = "", pages: type[CursorPages] = Newest) -> dict[str, Any]:
    request = Request(APIRequestFactory().get(f"/users/{query}"))
    paginator = pages()
    rows = paginator.paginate_queryset(User.objects.all(), request)
    return dict(paginator.get_paginated_response([row.username for row in rows]).data)


def query_of(link: str | None) -> str:
    assert link is not None
    return link.removeprefix("http://testserver/users/")


@pytest.fixture
def crowd() -> list[str]:
    """Seven people, five with the same moment of joining; newest first, ties by id."""
    moments = [START, *[START + timedelta(hours=1)] * 5, START + timedelta(microseconds=1)]
    users = [User(username=f"u{i}", display_name="U", date_joined=at) for i, at in enumerate(moments)]
    made = User.objects.bulk_create(users)
    return [user.username for user in sorted(made, key=lambda u: (u.date_joined, u.pk), reverse=True)]


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 20])
def test_following_next_reads_every_row_once_and_previous_leads_back(crowd: list[str], size: int) -> None:
    # when every page is read forwards
    pages, query = [read(f"?per_page={size}")], None
    while pages[-1]["next"]:
        pages.append(read(query_of(pages[-1]["next"])))

    # then each row was there once, in order
    assert [name for page in pages for name in page["results"]] == crowd
    assert pages[0]["previous"] is None

    # and the way back shows the same pages
    back = [pages[-1]]
    while (query := back[-1]["previous"]) is not None:
        back.append(read(query_of(query)))
    assert [name for page in reversed(back) for name in page["results"]] == crowd


def test_rows_added_meanwhile_move_nothing(crowd: list[str]) -> None:
    first = read("?per_page=3")

    User.objects.create(username="late", display_name="L", date_joined=START + timedelta(days=1))

    assert read(query_of(first["next"]))["results"] == crowd[3:6]


def test_ascending_orders_work_alike(crowd: list[str]) -> None:
    class Oldest(CursorPages):
        ordering = ("date_joined", "id")

    first = read("?per_page=4", Oldest)
    second = read(query_of(first["next"]), Oldest)

    assert first["results"] + second["results"] == crowd[::-1]


@pytest.mark.parametrize(("asked", "given"), [("", 20), ("?per_page=", 20), ("?per_page=5", 5), ("?per_page=100", 100)])
def test_the_size_of_a_page_is_the_one_asked_for(asked: str, given: int) -> None:
    User.objects.bulk_create(User(username=f"m{i}", display_name="M") for i in range(101))

    assert len(read(asked)["results"]) == given


@pytest.mark.parametrize("asked", ["101", "0", "-1", "x", "1.5", "9" * 5000])
def test_a_size_that_is_none_is_refused_by_its_name(asked: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(f"?per_page={asked}")
    assert list(caught.value.detail) == ["per_page"]


def token(*values: Any) -> str:
    return urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "zzz",
        "%00",
        "ä",
        "",
        token(),
        token(False),
        token(False, "2026-01-01T00:00:00Z"),
        token(False, "2026-01-01T00:00:00Z", 1, 2),
        token("no", "2026-01-01T00:00:00Z", 1),
        token(False, "yesterday", 1),
        token(False, "2026-13-01T00:00:00Z", 1),
        token(False, 5, 1),
        token(False, None, 1),
        token(False, "2026-01-01\x00", 1),
        token(False, "0001-01-01T00:00:00+23:59", 1),
        token(False, "9999-12-31T23:59:59.999999-23:59", 1),
        token(False, "2026-01-01T00:00:00Z", "one"),
        token(False, "2026-01-01T00:00:00Z", None),
        token(False, "2026-01-01T00:00:00Z", 2**63),
        token(False, "2026-01-01T00:00:00Z", [1]),
        token(False, {"a": 1}, {"b": 2}),
        urlsafe_b64encode(b'{"a": 1}').decode(),
        urlsafe_b64encode(b"5").decode(),
    ],
)
def test_a_forged_cursor_is_an_unknown_page(cursor: str) -> None:
    with pytest.raises(NotFound):
        read(f"?cursor={cursor}")


def test_the_ends_of_time_are_pages_like_any_other(crowd: list[str]) -> None:
    assert read(f"?cursor={token(False, '0001-01-01T00:00:00Z', 1)}")["results"] == []
    assert read(f"?cursor={token(False, '9999-12-31T23:59:59.999999Z', 1)}")["results"] == crowd

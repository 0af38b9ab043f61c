"""The detail of a declared resource, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from caching import invalidate
from tests.caching.http.reviews import ROWS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.caching.http.reviews")]


def test_a_detail_is_a_miss_and_then_a_hit_with_the_same_body_and_tag(reviews: Any, client: APIClient) -> None:
    cold, warm = client.get("/reviews/1/"), client.get("/reviews/1/")
    assert (cold.content, warm.content) == (b'{"id":1}', b'{"id":1}')
    assert (cold["Cache-Status"], warm["Cache-Status"]) == ("marketplace; fwd=miss", "marketplace; hit")
    assert cold["ETag"] == warm["ETag"]
    assert cold["Allow"] == warm["Allow"] == "GET, HEAD, OPTIONS"


def test_a_client_that_has_this_version_is_answered_304(reviews: Any, client: APIClient) -> None:
    tag = client.get("/reviews/1/")["ETag"]
    again = client.get("/reviews/1/", HTTP_IF_NONE_MATCH=tag)
    assert (again.status_code, again.content) == (304, b"")


def test_a_change_is_seen_by_the_first_request_after_it(reviews: Any, client: APIClient) -> None:
    client.get("/reviews/1/")
    ROWS[1] = b'{"id":1,"text":"better"}'
    invalidate(reviews, [1])
    assert client.get("/reviews/1/").content == ROWS[1]


@pytest.mark.parametrize("pk", ["0", "3", "9223372036854775808", "9" * 5000])
def test_an_id_without_a_row_is_404(reviews: Any, client: APIClient, pk: str) -> None:
    for _ in range(2):
        answer = client.get(f"/reviews/{pk}/")
        assert (answer.status_code, answer.json()["detail"]) == (404, f"There is no review {pk}.")


def test_a_read_ignores_credentials(reviews: Any, client: APIClient) -> None:
    client.credentials(HTTP_AUTHORIZATION="Token nonsense")
    assert [client.get("/reviews/1/").status_code for _ in range(2)] == [200, 200]
    assert client.post("/reviews/", {}, format="json").status_code == 401

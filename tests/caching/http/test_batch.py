"""The batch of a declared resource, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.caching.http.left_reads import left_by
from tests.task_queue import Queue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.caching.http.reviews")]


def test_a_batch_is_in_order_without_repeats_and_without_unknown_ids(reviews: Any, client: APIClient) -> None:
    for status in ("fwd=miss", "fwd=partial"):
        answer = client.post("/batch/", {"review_ids": [2, 9, "1", 2]}, format="json")
        assert answer.content == b'[{"id":2},{"id":1}]'
        assert status in answer["Cache-Status"] or answer["Cache-Status"] == "marketplace; hit"
    ids = {"review_ids": [1, 2]}
    assert client.post("/batch/", ids, format="json")["Cache-Status"] == "marketplace; hit"


def test_an_error_in_the_list_of_ids_is_named_by_its_field(reviews: Any, client: APIClient) -> None:
    answer = client.post("/batch/", {"review_ids": [1, "x"]}, format="json")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["review_ids.1"])


def test_a_batch_is_not_throttled_as_a_write(reviews: Any, client: APIClient, queue: Queue, settings: Any) -> None:
    before = settings.REST_FRAMEWORK
    rates = {**before["DEFAULT_THROTTLE_RATES"], "write": "1/min"}
    settings.REST_FRAMEWORK = {**before, "DEFAULT_THROTTLE_RATES": rates}
    answers = [client.post("/batch/", {"review_ids": ["1"]}, format="json") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3


@pytest.mark.parametrize("path", ["/batch/", "/reviews/1/"])
def test_a_hit_leaves_no_read_to_the_garbage_collector(reviews: Any, client: APIClient, path: str) -> None:
    def ask() -> None:
        answer = client.post(path, {"review_ids": [1]}, format="json") if path == "/batch/" else client.get(path)
        states.append(answer["Cache-Status"])

    states: list[str] = []
    ask()
    assert left_by(ask) == 0
    assert states[1] == "marketplace; hit"

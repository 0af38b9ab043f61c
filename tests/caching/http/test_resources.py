"""The detail and the batch of a declared resource, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.urls import include, path
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.test import APIClient
from rest_framework.viewsets import ViewSet

from caching import Id, Load, Policy, invalidate, resource, withdraw
from caching.http import CachedBatch, CachedDetail
from tests.factories import UserFactory
from tests.task_queue import Queue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]

ROWS: dict[Id, bytes] = {}


def load(ids: Sequence[Id]) -> Load:
    return Load({id: ROWS[id] for id in ids if id in ROWS})


class ReviewViewSet(CachedDetail, ViewSet):
    """The viewset of docs/first-resource.md."""

    def create(self, request: Any) -> Any:
        raise AssertionError

    @action(detail=True)
    def fans(self, request: Request, pk: str) -> Response:
        return Response({"fan": request.user.pk})


class ReviewBatch(CachedBatch):
    """The viewset of docs/first-resource.md."""

    ids_field = "review_ids"


class ClosedViewSet(ReviewViewSet):
    """A viewset whose permissions ask for more than a cached entry can know."""

    permission_classes = (IsAuthenticated,)


class ClosedBatch(ReviewBatch):
    """A batch of the same."""

    permission_classes = (IsAuthenticated,)


router = SimpleRouter()
router.register("reviews", ReviewViewSet, basename="review")
router.register("closed", ClosedViewSet, basename="closed")
urlpatterns = [
    path("", include(router.urls)),
    path("batch/", ReviewBatch.as_view({"post": "create"})),
    path("closed-batch/", ClosedBatch.as_view({"post": "create"})),
]


@pytest.fixture
def reviews() -> Iterator[Any]:
    ROWS.clear()
    ROWS.update({1: b'{"id":1}', 2: b'{"id":2}'})
    declared = resource(Policy("review", soft_ttl=60, hard_ttl=600), load)
    ReviewViewSet.resource = ReviewBatch.resource = declared
    ClosedViewSet.resource = ClosedBatch.resource = declared
    yield declared
    withdraw(declared)


@pytest.fixture
def client() -> APIClient:
    return APIClient(raise_request_exception=False)


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


def test_another_action_of_the_viewset_is_not_answered_by_the_entry(reviews: Any, as_user: Any) -> None:
    # Given a cached entry, and somebody who has logged in
    user = UserFactory()
    client = as_user(user)
    client.get("/reviews/1/")
    # When they ask for something else below its path, then that is answered, and it knows who asks
    assert client.get("/reviews/1/fans/").json() == {"fan": user.pk}


def test_permissions_that_are_not_open_refuse_hits_as_they_do_misses(reviews: Any, client: APIClient) -> None:
    # Given an entry that is cached
    assert client.get("/reviews/1/").status_code == 200
    # Then viewsets that are closed answer it to nobody
    assert client.get("/closed/1/").status_code == 403
    assert client.post("/closed-batch/", {"review_ids": [1]}, format="json").status_code == 403


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

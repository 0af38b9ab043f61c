"""A view that asks more of a request than DRF does by default answers a stored entry as one that must be loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework.authentication import BasicAuthentication
from rest_framework.permissions import AllowAny
from rest_framework.test import APIRequestFactory
from rest_framework.throttling import BaseThrottle
from rest_framework.versioning import QueryParameterVersioning
from rest_framework.views import APIView, exception_handler
from rest_framework.viewsets import ViewSet

from caching import LoaderBackedOff, Policy, resource, withdraw
from caching.http import CachedBatch, CachedDetail
from tests.caching.http.reviews import ROWS, load

pytestmark = pytest.mark.django_db(transaction=True)
REQUESTS = APIRequestFactory()


class Closed(BaseThrottle):
    """A throttle that lets nothing pass."""

    def allow_request(self, request: Any, view: Any) -> bool:
        return False


def refuse(*_: Any, **__: Any) -> Any:
    raise PermissionDenied


def fail(*_: Any, **__: Any) -> Any:
    raise LoaderBackedOff("review", 1.5)


def absent(*_: Any, **__: Any) -> Any:
    raise Http404


def with_header(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
    response = CachedDetail.retrieve(self, request, *args, **kwargs)
    response["X-Ours"] = "yes"
    return response


def asking(self: Any) -> list[Any]:
    return [] if self.request.query_params else [AllowAny()]


@pytest.fixture
def reviews() -> Iterator[Any]:
    ROWS.clear()
    ROWS.update({1: b'{"id":1}', 2: b'{"id":2}'})
    declared = resource(Policy("review", soft_ttl=60, hard_ttl=600), load)
    yield declared
    withdraw(declared)


def detail(reviews: Any, **changes: Any) -> Callable[..., Any]:
    """Return a function that GETs a review from a view that changes something."""
    view = type("Changed", (CachedDetail, ViewSet), {"resource": reviews, **changes}).as_view({"get": "retrieve"})

    return partial(rendered, view)


def rendered(view: Any, path: str = "/", **kwargs: Any) -> Any:
    response = view(REQUESTS.get(path), **(kwargs or {"pk": "1"}))
    return response.render() if hasattr(response, "render") else response


def seen(response: Any) -> tuple[int, dict[str, str], bytes]:
    """Return what a client sees, without what says that an entry was stored."""
    headers = {name: value for name, value in response.items() if name != "Cache-Status"}
    return response.status_code, headers, response.content


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 200),
        ({"throttle_classes": [Closed]}, 429),
        ({"get_throttles": lambda self: [Closed()]}, 429),
        ({"initial": refuse}, 403),
        ({"check_permissions": refuse}, 403),
        ({"retrieve": with_header}, 200),
        ({"get_permissions": asking}, 200),
        ({"read": refuse}, 403),
        ({"body_of": refuse}, 403),
        ({"body_of": absent}, 404),
        ({"body_of": fail}, 503),
    ],
)
def test_a_detail_answers_the_same_cold_and_warm(reviews: Any, changes: dict[str, Any], status: int) -> None:
    get = detail(reviews, **changes)
    cold = seen(get())
    # Another view fills the entry, if this one could not.
    detail(reviews)()
    assert seen(get()) == cold
    assert cold[0] == status


def test_a_loader_that_has_just_failed_is_503_where_only_drf_handles_errors(
    reviews: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(APIView, "get_exception_handler", lambda self: exception_handler)
    answer = detail(reviews, body_of=fail)()
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")


@pytest.mark.parametrize(
    ("changes", "kwargs", "path"),
    [
        ({}, {"pk": 1}, "/"),
        ({}, {"pk": "01"}, "/"),
        ({}, {"pk": "1", "shelf": "3"}, "/"),
        ({}, {"pk": "1", "format": "json"}, "/"),
        ({"lookup_field": "id"}, {"id": "1"}, "/"),
        ({"lookup_url_kwarg": "review"}, {"review": "1"}, "/"),
        ({"versioning_class": QueryParameterVersioning}, {"pk": "1"}, "/?version=1"),
    ],
)
def test_a_route_may_give_the_id_as_a_number_by_another_name_or_beside_other_values(
    reviews: Any, changes: dict[str, Any], kwargs: dict[str, Any], path: str
) -> None:
    get = detail(reviews, **changes)
    cold, warm = get(path, **kwargs), get(path, **kwargs)
    assert seen(cold) == seen(warm)
    assert (cold.status_code, cold.content) == (200, b'{"id":1}')
    assert warm["Cache-Status"] == "marketplace; hit"


@pytest.mark.parametrize("pk", ["abc", "+1", " 1", "١", "1_0", "", 0, -1, 2**63, "9" * 5000])
def test_what_is_no_id_is_404(reviews: Any, pk: Any) -> None:
    detail(reviews)()
    assert detail(reviews)(pk=pk).status_code == 404


def test_a_format_that_is_not_there_is_404_cold_and_warm(reviews: Any, settings: Any) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "URL_FORMAT_OVERRIDE": "format"}
    get = detail(reviews)
    paths = ["/?format=xml", "/", "/?format=xml", "/?form%61t=xml", "/?page=1"]
    assert [get(path).status_code for path in paths] == [404, 200, 404, 404, 200]


def test_a_batch_that_authenticates_refuses_bad_credentials_cold_and_warm(reviews: Any) -> None:
    # Given a batch that is open, but knows its users
    options = {"resource": reviews, "authentication_classes": [BasicAuthentication], "permission_classes": [AllowAny]}
    view = type("Known", (CachedBatch,), options).as_view({"post": "create"})

    def post(**headers: Any) -> int:
        return int(view(REQUESTS.post("/", {"ids": [1]}, format="json", **headers), version="1").status_code)

    # When it is asked with bad credentials before and after the entry is stored
    answers = [post(HTTP_AUTHORIZATION="Basic eDp5"), post(), post(HTTP_AUTHORIZATION="Basic eDp5")]

    # Then they are refused both times
    assert answers == [401, 200, 401]

"""The feeds over HTTP: pages, their bounds and links, and the round trips of a warm page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.caching.http.left_reads import left_by
from tests.factories import ProductFactory
from tests.marketplace.problems import problem

pytestmark = pytest.mark.django_db(transaction=True)

DISCOVER = "/api/v1/feeds/discover/"


@pytest.fixture
def listed() -> list[int]:
    """The ids of 45 products, the newest first."""
    now, first = timezone.now(), ProductFactory()
    for n in range(1, 45):
        ProductFactory(seller=first.seller, category=first.category, created_at=now - timedelta(minutes=n))
    return list(type(first).objects.order_by("-created_at").values_list("pk", flat=True))


def shown(response: Any) -> list[int]:
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


def test_pages_are_of_twenty_and_linked_both_ways(api: Any, listed: list[int]) -> None:
    first = api.get(DISCOVER)
    second = api.get(first.json()["next"])
    third = api.get(second.json()["next"])

    assert list(first.json()) == ["next", "previous", "results"]
    assert shown(first) + shown(second) + shown(third) == listed
    assert first.json()["previous"] is None
    assert third.json()["next"] is None
    assert shown(api.get(third.json()["previous"])) == shown(second)


def test_links_keep_the_size_of_the_page(api: Any, listed: list[int]) -> None:
    page = api.get(DISCOVER, {"page": 2, "per_page": 5}).json()

    assert page["next"] == f"http://testserver{DISCOVER}?page=3&per_page=5"
    assert page["previous"] == f"http://testserver{DISCOVER}?page=1&per_page=5"
    assert shown(api.get(page["next"])) == listed[10:15]


def test_a_page_holds_at_most_a_hundred(api: Any, listed: list[int]) -> None:
    assert shown(api.get(DISCOVER, {"per_page": 100})) == listed
    assert list(problem(api.get(DISCOVER, {"per_page": 101}), 400, "invalid_input")["errors"]) == ["per_page"]


@pytest.mark.parametrize("query", [{"page": "x"}, {"page": "0"}, {"page": "-1"}, {"page": "1.5"}])
def test_a_number_that_is_none_is_an_error_of_its_field(api: Any, query: dict[str, str]) -> None:
    assert list(problem(api.get(DISCOVER, query), 400, "invalid_input")["errors"]) == ["page"]


@pytest.mark.parametrize(
    "path",
    [
        "discover/?page=4",
        "discover/?page=100001",
        "discover/?page=99999999999999999999",
        "category/unknown/",
        "category/Not_A_Slug/",
        "seller/999999999/",
        "seller/99999999999999999999999/",
        "popular/",
    ],
)
def test_what_has_no_such_page_is_404(api: Any, listed: list[int], path: str) -> None:
    problem(api.get(f"/api/v1/feeds/{path}"), 404, "not_found")


@pytest.mark.parametrize("feed", ["discover", "trending", "category", "seller"])
def test_every_feed_answers_with_or_without_its_slash(api: Any, feed: str) -> None:
    product = ProductFactory()
    name = {"category": f"/{product.category.slug}", "seller": f"/{product.seller_id}"}.get(feed, "")

    assert api.get(f"/api/v1/feeds/{feed}{name}").status_code == 200
    assert api.get(f"/api/v1/feeds/{feed}{name}/").status_code == 200


def test_a_warm_page_takes_one_round_trip_and_no_sql(
    api: Any, listed: list[int], queue: Any, redis_commands: Any, django_assert_num_queries: Any
) -> None:
    # Given a page that this process has read once, so that it knows which products to read together with it
    cold = api.get(DISCOVER)
    queue.run()
    api.get(DISCOVER)

    with redis_commands() as trips, django_assert_num_queries(0):
        warm = api.get(DISCOVER)

    assert cold["Cache-Status"] == "marketplace; fwd=miss"
    assert warm["Cache-Status"] == "marketplace; hit"
    assert warm.content == cold.content
    assert trips == [["MGET", "MGET", "MGET"]]


def test_a_page_that_lists_something_else_by_now_is_read_as_it_is(
    api: Any, listed: list[int], redis_state: Any
) -> None:
    api.get(DISCOVER)
    api.get(DISCOVER)
    newer = ProductFactory()
    redis_state.delete(*redis_state.scan_iter("mp:c:{feed:*"))

    api.get(DISCOVER)

    assert shown(api.get(DISCOVER))[0] == newer.pk


def test_the_next_page_is_a_hit_once_it_was_prepared(
    api: Any, listed: list[int], queue: Any, redis_commands: Any, django_assert_num_queries: Any
) -> None:
    following = api.get(DISCOVER).json()["next"]
    queue.run()

    with django_assert_num_queries(0):
        page = api.get(following)

    assert page["Cache-Status"] == "marketplace; hit"
    assert shown(page) == listed[20:40]


def test_an_etag_stands_for_the_products_and_not_for_their_views(api: Any, listed: list[int]) -> None:
    etag = api.get(DISCOVER)["ETag"]
    api.get(f"/api/v1/products/{listed[0]}/")

    same = api.get(DISCOVER, HTTP_IF_NONE_MATCH=etag)
    other = api.get(DISCOVER, {"page": 2}, HTTP_IF_NONE_MATCH=etag)

    assert (same.status_code, same.content, same["ETag"]) == (304, b"", etag)
    assert other.status_code == 200


def test_reading_a_feed_counts_no_view(api: Any, listed: list[int]) -> None:
    api.get(DISCOVER)

    assert {row["view_count"] for row in api.get(DISCOVER).json()["results"]} == {0}


def test_a_hit_leaves_no_read_to_the_garbage_collector(api: Any, listed: list[int]) -> None:
    # Given the last page, which asks for no next one
    states: list[str] = []
    api.get(DISCOVER, {"page": 3})

    assert left_by(lambda: states.append(api.get(DISCOVER, {"page": 3})["Cache-Status"])) == 0

    assert states == ["marketplace; hit"]

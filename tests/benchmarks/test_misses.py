"""What the HTTP benchmark removes before its requests, and that the floor answers misses like hits."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from benchmarks.harness import misses
from benchmarks.harness.catalogue import Catalogue, make_catalogue
from benchmarks.harness.misses import Missing
from benchmarks.harness.traffic import FLOOR, OURS
from benchmarks.peers import floor
from caching.readthrough.batch import fetch_many
from marketplace.accounts.cache import load_users, users
from products.cache import load_products, product_views, products
from products.feed_pages import PER_PAGE, newest_ids

PAGES = 2
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def catalogue() -> Catalogue:
    """A catalogue with everything warm."""
    made = make_catalogue(200, users=40)
    for start in (0, 100):
        fetch_many(products, made.products[start : start + 100])
    fetch_many(users, made.users)
    listed = list(newest_ids())
    pages = {page: listed[(page - 1) * PER_PAGE : page * PER_PAGE + 1] for page in range(1, PAGES + 1)}
    floor.store(load_products(made.products).bodies, load_users(made.users).bodies, pages)
    return made


def test_no_two_requests_of_a_scenario_ask_for_the_same(catalogue: Catalogue) -> None:
    for scenario in misses.scenarios(catalogue, PAGES):
        # Given all ids in the requests of the floor
        asked = [_ids(request) for request in scenario.requests[FLOOR]]
        flat = [id for ids in asked for id in ids]
        # Then no id is requested twice, and ours gets the same requests
        assert len(flat) == len(set(flat)) > 0
        assert [_ids(request) for request in scenario.requests[OURS]] == asked


def test_as_much_is_missing_as_the_name_says(catalogue: Catalogue) -> None:
    found = {scenario.name: scenario.missing for scenario in misses.scenarios(catalogue, PAGES)}
    some = 200 * 3 // 10
    assert len(set(found["detail, 30 % missing"].products)) == some
    assert found["detail, 30 % missing"].counts == ()
    assert sorted(found["cold detail"].products) == sorted(found["cold detail"].counts) == catalogue.products
    assert len(set(found["feed page of 20, 30 % missing"].products)) == PAGES * 6
    assert len(set(found["batch of 100, 30 % missing"].products)) == some
    assert len(set(found["batch of 20 users, 30 % missing"].users)) == 12


def test_what_ours_forgets_is_missed_once(catalogue: Catalogue) -> None:
    # Given some entries and some live counts of ours that are forgotten
    ids, people = catalogue.products[:5], catalogue.users[:3]
    Missing(products=ids[:3], counts=ids[2:4], users=people[:2]).forget(OURS)
    # Then they are missing, and nothing else is
    assert product_views.live(ids).keys() == {ids[0], ids[1], ids[4]}
    assert fetch_many(products, ids).origin.misses == 3
    assert fetch_many(users, people).origin.misses == 2
    # And they have been filled
    assert fetch_many(products, ids).origin.misses == fetch_many(users, people).origin.misses == 0


@pytest.mark.parametrize("view", ["detail", "feed page", "products", "users"])
def test_the_floor_answers_a_miss_like_a_hit_and_fills_it(
    catalogue: Catalogue, rf: RequestFactory, view: str, django_assert_num_queries: Any
) -> None:
    # Given what the floor answers when everything is there
    ask = _asking(catalogue, rf)[view]
    with django_assert_num_queries(0):
        expected = _answered(ask())
    for some in (slice(None, None, 3), slice(None)):
        # When a part of it, or all of it, is gone
        ids = catalogue.products[some]
        Missing(products=ids, counts=ids[::2], users=catalogue.users[some]).forget(FLOOR)
        # Then it answers the same after one query
        with django_assert_num_queries(1):
            assert _answered(ask()) == expected
        # And from then on without any
        with django_assert_num_queries(0):
            assert _answered(ask()) == expected


def test_a_view_of_a_cold_product_is_counted(catalogue: Catalogue, rf: RequestFactory) -> None:
    pk = catalogue.products[0]
    Missing(products=[pk], counts=[pk]).forget(FLOOR)
    counts = [json.loads(floor.detail(rf.get("/"), pk).content)["view_count"] for _ in range(3)]
    assert counts == [counts[0], counts[0] + 1, counts[0] + 2]


def _asking(catalogue: Catalogue, rf: RequestFactory) -> dict[str, Callable[[], HttpResponse]]:
    def post(body: dict[str, list[int]]) -> Any:
        return rf.post("/", json.dumps(body), content_type="application/json")

    return {
        "detail": lambda: floor.detail(rf.get("/"), catalogue.products[0]),
        "feed page": lambda: floor.feed_page(rf.get("/", {"page": "2"})),
        "products": lambda: floor.products_batch(post({"product_ids": catalogue.products[:50]})),
        "users": lambda: floor.users_batch(post({"user_ids": catalogue.users[:20]})),
    }


def _answered(response: HttpResponse) -> Any:
    answer = json.loads(response.content)
    for item in answer if isinstance(answer, list) else answer.get("results", [answer]):
        item.pop("view_count", None)
    return answer


def _ids(request: bytes) -> list[Any]:
    head, _, body = request.partition(b"\r\n\r\n")
    if body:
        (ids,) = json.loads(body).values()
        return list(ids)
    return [head.split(b" ")[1].rpartition(b"products/")[2].rpartition(b"feeds/")[2]]

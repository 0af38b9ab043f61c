"""The list of products: its filters, alone and together, and pages that do not shift while products are added."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from products.models import ProductStatus
from tests.factories import CategoryFactory, ProductFactory, UserFactory
from tests.marketplace.problems import problem

pytestmark = pytest.mark.django_db(transaction=True)

NOW = timezone.now()
LIST = "/api/v1/products/"


@pytest.fixture
def shop() -> dict[str, Any]:
    """Five products by name, the newest first; two of them cannot be bought."""
    ada, bob = UserFactory(username="ada"), UserFactory(username="bob")
    lamps, chairs = CategoryFactory(slug="lamps"), CategoryFactory(slug="chairs")
    rows = [
        ("red lamp", ada, lamps, "10.00", "available"),
        ("blue lamp", bob, lamps, "20.00", "available"),
        ("red chair", ada, chairs, "30.00", "available"),
        ("old lamp", ada, lamps, "15.00", "sold"),
        ("no lamp", ada, lamps, "16.00", "withdrawn"),
    ]
    for minutes, (title, seller, category, price, status) in enumerate(rows):
        ProductFactory(
            title=title,
            description="Handmade in Oslo" if title == "blue lamp" else "",
            seller=seller,
            category=category,
            price=Decimal(price),
            status=ProductStatus(status),
            created_at=NOW - timedelta(minutes=minutes),
        )
    return {"ada": ada.pk, "bob": bob.pk}


def titles(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [row["title"] for row in response.json()["results"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["red lamp", "blue lamp", "red chair"]),
        ({"category": "lamps"}, ["red lamp", "blue lamp"]),
        ({"category": "unknown"}, []),
        ({"seller": "ada"}, ["red lamp", "red chair"]),
        ({"seller": 10**17}, []),
        ({"seller": "0"}, []),
        ({"seller": "1.5"}, []),
        ({"min_price": "20"}, ["blue lamp", "red chair"]),
        ({"max_price": "20.00"}, ["red lamp", "blue lamp"]),
        ({"min_price": "10.01", "max_price": "29.99"}, ["blue lamp"]),
        ({"min_price": "30", "max_price": "10"}, []),
        ({"q": "lamp"}, ["red lamp", "blue lamp"]),
        ({"q": "RED"}, ["red lamp", "red chair"]),
        ({"q": "oslo handmade"}, ["blue lamp"]),
        ({"q": "red -chair"}, ["red lamp"]),
        ({"q": '"lamp red"'}, []),
        ({"q": "lam"}, []),
        ({"category": "lamps", "seller": "ada"}, ["red lamp"]),
        ({"category": "lamps", "seller": "bob", "min_price": "20", "max_price": "20", "q": "blue"}, ["blue lamp"]),
        ({"category": "chairs", "q": "lamp"}, []),
    ],
)
def test_filters_narrow_the_list(api: Any, shop: dict[str, Any], query: dict[str, Any], expected: list[str]) -> None:
    asked = {name: shop.get(value, value) for name, value in query.items()}

    assert titles(api.get(LIST, asked)) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("min_price", "x"),
        ("min_price", "NaN"),
        ("max_price", "Infinity"),
        ("min_price", "-1"),
        ("max_price", "1.234"),
        ("max_price", "9" * 20),
        ("seller", "x"),
        ("q", "x" * 201),
        ("q", "\0"),
        ("category", "\0"),
    ],
)
def test_what_a_filter_cannot_be_is_an_error_of_its_field(api: Any, name: str, value: str) -> None:
    assert list(problem(api.get(LIST, {name: value}), 400, "invalid_input")["errors"]) == [name]


@pytest.mark.parametrize("words", ["'", "\\", "a & b | !c", "((", ":*", "%", '"open', "-", "é", "  "])
def test_any_words_can_be_asked_for(api: Any, words: str) -> None:
    titles(api.get(LIST, {"q": words}))


def pages(api: Any, start: str) -> list[list[str]]:
    found, link = [], start
    while link:
        response = api.get(link)
        found.append(titles(response))
        link = response.json()["next"]
    return found


def test_pages_cover_everything_once_although_all_were_made_in_one_moment(api: Any) -> None:
    everything = {product.title for product in ProductFactory.create_batch(11, created_at=NOW)}

    found = pages(api, f"{LIST}?per_page=3")

    assert [len(page) for page in found] == [3, 3, 3, 2]
    assert {title for page in found for title in page} == everything


def test_products_added_in_between_move_no_page(api: Any) -> None:
    ProductFactory.create_batch(6, created_at=NOW)
    first = api.get(LIST, {"per_page": 3})
    expected = pages(api, f"{LIST}?per_page=3")[1]

    ProductFactory.create_batch(2, created_at=NOW + timedelta(minutes=1))

    second = api.get(first.json()["next"])
    assert titles(second) == expected
    assert titles(api.get(second.json()["previous"])) == titles(first)


def test_links_keep_the_filters(api: Any, shop: dict[str, Any]) -> None:
    first = api.get(LIST, {"category": "lamps", "per_page": 1})

    second = api.get(first.json()["next"])

    assert titles(first) + titles(second) == ["red lamp", "blue lamp"]
    assert second.json()["next"] is None


@pytest.mark.parametrize("cursor", ["x", "", "W10", "WzEsMiwzXQ", "bnVsbA", "%ff"])
def test_a_cursor_that_was_not_given_is_404(api: Any, cursor: str) -> None:
    problem(api.get(f"{LIST}?cursor={cursor}"), 404, "not_found")


@pytest.mark.parametrize("path", [LIST, "/api/v1/feeds/discover/"])
@pytest.mark.parametrize("size", ["0", "101", "-1", "x", "1.5"])
def test_a_size_of_page_that_is_none_is_400_on_lists_and_feeds_alike(api: Any, path: str, size: str) -> None:
    errors = problem(api.get(path, {"per_page": size}), 400, "invalid_input")["errors"]

    assert list(errors) == ["per_page"]


def test_a_page_asks_for_its_ids_only_once_its_products_are_warm(
    api: Any, shop: dict[str, Any], redis_commands: Any, django_assert_num_queries: Any
) -> None:
    api.get(LIST)

    with redis_commands() as trips, django_assert_num_queries(1):
        warm = api.get(LIST)

    assert warm["Cache-Status"] == "marketplace; hit"
    assert trips == [["MGET", "MGET"]]


def test_a_list_counts_no_view(api: Any, shop: dict[str, Any]) -> None:
    api.get(LIST)

    assert {row["view_count"] for row in api.get(LIST).json()["results"]} == {0}

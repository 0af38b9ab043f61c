"""Every query of the catalogue's contract finds its index in a catalogue of 200,000 products."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from products import feed_pages
from products.cache import load_products
from products.view_history import forget_old_hours, views_by_hour
from tests.bulk import drop_everything, make_catalogue
from tests.plans import Plan, plan_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

BIG = {"products_product", "products_productviews", "products_productviewshour"}


@pytest.fixture(scope="module", autouse=True)
def catalogue(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Two hundred thousand products, committed once for all tests of this module."""
    with django_db_blocker.unblock():
        make_catalogue(200_000)
    yield
    with django_db_blocker.unblock():
        drop_everything()


def assert_reads(plan: Plan, *indexes: str) -> None:
    assert set(indexes) <= plan.indexes, plan.text
    assert not plan.scanned_tables & BIG, plan.text


@pytest.mark.parametrize("page", [1, 5])
@pytest.mark.parametrize(
    ("feed", "index"),
    [
        ("discover", "product_newest"),
        ("category/bulk-7", "product_category_newest"),
        ("seller/7", "product_seller_newest"),
    ],
)
def test_a_page_of_a_feed_is_read_from_its_index(feed: str, index: str, page: int) -> None:
    plan = plan_of(lambda: feed_pages.load_pages([f"{feed}:{page}:20"]), "products_product")

    assert_reads(plan, index)


def test_trending_reads_the_last_hours_only() -> None:
    plan = plan_of(lambda: feed_pages.load_pages(["trending:1:20"]), "products_productviewshour")

    assert_reads(plan, "products_productviewshour_pkey")


def test_the_history_of_a_product_is_read_from_its_index() -> None:
    plan = plan_of(lambda: views_by_hour(77, 720), "products_productviewshour")

    assert plan.indexes, plan.text
    assert not plan.scanned_tables & BIG, plan.text


def test_old_hours_are_found_and_deleted_without_reading_the_others() -> None:
    plan = plan_of(forget_old_hours, "products_productviewshour")

    assert_reads(plan, "products_productviewshour_pkey")


@pytest.mark.parametrize("ids", [[77], list(range(1, 100_001, 1000))], ids=["one", "a hundred"])
def test_products_are_loaded_by_their_ids(ids: list[int]) -> None:
    plan = plan_of(lambda: load_products(ids), "products_product")

    assert_reads(plan, "products_product_pkey", "products_productviews_pkey")


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", "product_newest"),
        ("category=bulk-7", "product_category_newest"),
        ("seller=7", "product_seller_newest"),
        ("min_price=10.00&max_price=10.20", "product_price"),
        ("max_price=1.30", "product_price"),
        ("q=model4711", "product_search"),
        ("q=lamp+model4711", "product_search"),
        ("q=series77+-model4711", "product_search"),
    ],
)
def test_a_list_is_read_from_the_index_of_its_filter(api: Any, query: str, index: str) -> None:
    plan = listed(api, f"/api/v1/products/?{query}")

    assert_reads(plan, index)


@pytest.mark.parametrize(
    "query",
    [
        "min_price=10",
        "q=lamp",
        "category=bulk-7&min_price=10&max_price=12",
        "category=bulk-7&seller=7",
        "seller=7&q=lamp",
        "category=bulk-7&seller=7&min_price=10&max_price=900&q=lamp",
    ],
)
def test_no_combination_of_filters_reads_the_whole_table(api: Any, query: str) -> None:
    plan = listed(api, f"/api/v1/products/?{query}")

    assert plan.indexes, plan.text
    assert not plan.scanned_tables & BIG, plan.text


@pytest.mark.parametrize("query", ["", "category=bulk-7"])
def test_a_page_far_behind_a_cursor_is_read_from_the_same_index(api: Any, query: str) -> None:
    following = api.get(f"/api/v1/products/?{query}").json()["next"]

    plan = listed(api, following)

    assert_reads(plan, "product_category_newest" if query else "product_newest")


def listed(api: Any, path: str) -> Plan:
    """Return the plan of the statement that finds the ids of a list; the one for their bodies comes after it."""

    def read() -> None:
        assert api.get(path).status_code == 200

    return plan_of(read, "products_product")

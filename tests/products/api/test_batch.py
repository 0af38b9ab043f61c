"""The batch of products: order, invalid ids, and the numbers of queries and round trips."""

from __future__ import annotations

from typing import Any

import pytest

from products.models import ProductStatus
from tests.factories import CategoryFactory, ProductFactory, UserFactory
from tests.marketplace.problems import problem

pytestmark = pytest.mark.django_db(transaction=True)


def batch(api: Any, ids: Any) -> Any:
    return api.post("/api/v1/batch/products/", {"product_ids": ids}, format="json")


def shown(response: Any) -> list[int]:
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()]


def test_products_come_in_the_order_asked_for_each_once(api: Any) -> None:
    first, second, third = (product.pk for product in ProductFactory.create_batch(3))

    assert shown(batch(api, [third, str(first), 10**12, third, second, f"{first}"])) == [third, first, second]


def test_what_is_unknown_or_withdrawn_is_left_out_and_what_is_sold_is_not(api: Any) -> None:
    sold = ProductFactory(status=ProductStatus.SOLD)
    gone = ProductFactory(status=ProductStatus.WITHDRAWN)

    assert shown(batch(api, [gone.pk, sold.pk, 0, -1, 10**15, str(2**64)])) == [sold.pk]


def test_each_is_the_product_of_its_detail(api: Any) -> None:
    product = ProductFactory(views=4)
    detail = api.get(f"/api/v1/products/{product.pk}/").json()

    assert batch(api, [product.pk]).json() == [detail]


@pytest.mark.parametrize("item", ["x", 1.5, None, True, [1], {}, "", " 1", "1e3", "١", "9" * 30])
def test_what_is_no_id_is_named_by_its_index(api: Any, item: Any) -> None:
    body = problem(batch(api, [1, item]), 400, "invalid_input")

    assert list(body["errors"]) == ["product_ids.1"]


@pytest.mark.parametrize("payload", [{}, {"product_ids": 5}, {"product_ids": "1"}, {"product_ids": None}, {"ids": [1]}])
def test_without_a_list_there_is_no_batch(api: Any, payload: Any) -> None:
    body = problem(api.post("/api/v1/batch/products/", payload, format="json"), 400, "invalid_input")

    assert list(body["errors"]) == ["product_ids"]


@pytest.mark.parametrize("payload", ["[1]", "1", '"1"', "null"])
def test_a_body_that_is_no_object_is_an_error_of_no_field(api: Any, payload: str) -> None:
    answer = api.post("/api/v1/batch/products/", payload, content_type="application/json")

    assert problem(answer, 400, "invalid_input")["errors"]


def test_a_hundred_is_the_most_and_none_is_fine(api: Any) -> None:
    assert shown(batch(api, list(range(10**6, 10**6 + 100)))) == []
    assert shown(batch(api, [])) == []
    problem(batch(api, [1] * 101), 400, "invalid_input")


def test_it_is_read_by_post_only_and_with_any_token(api: Any) -> None:
    problem(api.get("/api/v1/batch/products/"), 405, "method_not_allowed")
    api.credentials(HTTP_AUTHORIZATION="Token nonsense")
    assert batch(api, []).status_code == 200


def test_a_hundred_warm_products_are_one_round_trip(
    api: Any, redis_commands: Any, django_assert_num_queries: Any
) -> None:
    # Given
    seller, category = UserFactory(), CategoryFactory()
    ids = [product.pk for product in ProductFactory.create_batch(100, seller=seller, category=category)]

    # When
    with redis_commands() as cold_trips, django_assert_num_queries(1):
        cold = batch(api, ids)
    with redis_commands() as warm_trips, django_assert_num_queries(0):
        warm = batch(api, ids)

    # Then
    assert cold["Cache-Status"] == "marketplace; fwd=miss"
    assert warm["Cache-Status"] == "marketplace; hit"
    assert warm.content == cold.content
    assert len(cold_trips) <= 3 + script_loads(cold_trips)
    assert warm_trips == [["MGET", "MGET"]]


def test_a_mixture_asks_the_database_once_for_what_is_missing(
    api: Any, redis_commands: Any, django_assert_num_queries: Any
) -> None:
    ids = [product.pk for product in ProductFactory.create_batch(10)]
    batch(api, ids[:6])

    with redis_commands() as trips, django_assert_num_queries(1):
        mixed = batch(api, [*ids, 10**12])

    assert shown(mixed) == ids
    assert mixed["Cache-Status"] == 'marketplace; fwd=partial; detail="hits 6, stale 0, misses 5"'
    assert len(trips) <= 3 + script_loads(trips)


def test_what_is_missing_is_remembered_as_missing(api: Any, django_assert_num_queries: Any) -> None:
    batch(api, [10**12])

    with django_assert_num_queries(0):
        assert shown(batch(api, [10**12])) == []


def script_loads(trips: list[list[str]]) -> int:
    """Return how many of the round trips loaded scripts into Redis, which happens once after its start."""
    return sum("SCRIPT LOAD" in names or "SCRIPT" in names for names in trips)

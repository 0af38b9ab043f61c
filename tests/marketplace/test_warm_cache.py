"""`warm_cache` with the warmers that the apps register: the first reads after it are hits."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from caching.readthrough import warming
from products.models import ProductViewsHour
from tests.factories import CategoryFactory, ProductFactory

pytestmark = pytest.mark.django_db(transaction=True)


def warm(*arguments: str) -> list[str]:
    """Run the command and return its lines."""
    out = StringIO()
    call_command("warm_cache", *arguments, stdout=out)
    return out.getvalue().splitlines()


@pytest.fixture
def catalogue() -> list[Any]:
    """Three products of one category; one was viewed today."""
    products = ProductFactory.create_batch(3, category=CategoryFactory(slug="lamps"), views=40)
    ProductViewsHour.objects.create(hour=timezone.now(), product=products[1], views=9)
    return products


def test_the_apps_registered_what_the_command_says_it_warms() -> None:
    assert set(warming.names()) == {"popular", "feeds", "users"}


def test_after_it_the_first_reads_are_hits_without_a_query(
    api: Any, catalogue: list[Any], django_assert_num_queries: Any
) -> None:
    warm()

    with django_assert_num_queries(0):
        details = [api.get(f"/api/v1/products/{product.pk}/") for product in catalogue]
        feeds = [api.get(f"/api/v1/feeds/{feed}/") for feed in ("discover", "trending", "category/lamps")]
        ids = [product.seller_id for product in catalogue]
        people = api.post("/api/v1/batch/users/", {"user_ids": ids}, format="json")
        batch = api.post(
            "/api/v1/batch/products/", {"product_ids": [product.pk for product in catalogue]}, format="json"
        )

    for answer in [*details, *feeds, people, batch]:
        assert answer.status_code == 200
        assert answer.headers["Cache-Status"].startswith("marketplace; hit"), answer.headers["Cache-Status"]
        assert "stale" not in answer.headers["Cache-Status"]
    assert [answer.json()["view_count"] for answer in details] == [41, 41, 41]
    assert [row["id"] for row in feeds[0].json()["results"]] == [product.pk for product in reversed(catalogue)]
    assert [row["id"] for row in feeds[1].json()["results"]] == [catalogue[1].pk]
    assert [row["id"] for row in people.json()] == ids


def test_it_says_what_it_filled_and_what_was_there(catalogue: list[Any]) -> None:
    first, second = warm("popular", "users"), warm("popular", "users")

    assert first == ["popular: 3 filled, 0 there already", "users: 3 filled, 0 there already"]
    assert second == ["popular: 0 filled, 3 there already", "users: 0 filled, 3 there already"]


def test_within_a_limit_the_viewed_come_first(api: Any, catalogue: list[Any], django_assert_num_queries: Any) -> None:
    warm("popular", "--limit", "1")

    with django_assert_num_queries(0):
        assert api.get(f"/api/v1/products/{catalogue[1].pk}/").headers["Cache-Status"] == "marketplace; hit"
    assert api.get(f"/api/v1/products/{catalogue[0].pk}/").headers["Cache-Status"] != "marketplace; hit"

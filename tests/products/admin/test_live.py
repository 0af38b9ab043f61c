"""Live view counts in the admin: in few queries, and the flushed totals while Redis is away."""

from __future__ import annotations

from typing import Any

import pytest

from products.view_counts import increment_view
from tests.factories import ProductFactory
from tests.products.admin.catalogue_pages import LIST, page_of, plots_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_list_shows_live_counts(admin: Any) -> None:
    product = ProductFactory(views=4000)
    increment_view(product.pk)

    response = admin.get(LIST)

    assert '<td class="field-live_views">4001</td>' in response.content.decode()
    assert "4000 views flushed, no flush is on record" in response.content.decode()
    assert "the counts of 1 product wait" in response.content.decode()


@pytest.mark.parametrize("count", [1, 40])
def test_the_list_takes_as_many_queries_for_one_as_for_forty(
    admin: Any, count: int, django_assert_num_queries: Any, redis_commands: Any
) -> None:
    for product in ProductFactory.create_batch(count):
        increment_view(product.pk)
    admin.get(LIST)

    # Session, user; count and page; categories of the filter; total, last flush and applied buckets.
    with django_assert_num_queries(8), redis_commands() as trips:
        response = admin.get(LIST)

    assert len(response.context["cl"].result_list) == count
    assert len([trip for trip in trips if trip == ["MGET"]]) == 1


def test_without_redis_the_flushed_totals_are_shown_and_said_to_be(admin: Any, seen: Any, redis_away: None) -> None:
    listed, detail = admin.get(LIST), admin.get(page_of(seen))

    assert len(plots_of(detail)) == 2
    for response in (listed, detail):
        assert response.status_code == 200
        assert response.content.decode().count("Redis does not answer") == 1
        assert "4000" in response.content.decode()


def test_a_product_shows_what_is_flushed_and_what_waits(admin: Any) -> None:
    product = ProductFactory(views=4000)
    increment_view(product.pk)
    increment_view(product.pk)

    page = admin.get(page_of(product)).content.decode()

    for label, value in [("Live views", 4002), ("Flushed views", 4000), ("Views waiting for the flush", 2)]:
        assert label in page
        assert f'<div class="readonly">{value}</div>' in page

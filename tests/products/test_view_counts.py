"""Views are counted once each, seen at once, never fewer than before, and in PostgreSQL after the flush."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis
from django.utils import timezone

from caching.models import CounterBucket
from products.cache import product_views
from products.models import ProductStatus, ProductViews, ProductViewsHour
from products.view_counts import increment_view, sync_view_counts
from tests.factories import ProductFactory

pytestmark = pytest.mark.django_db(transaction=True)


class Clock:
    """Redis' clock as the counters see it, moved by hand; milliseconds."""

    def __init__(self) -> None:
        self.now = int(timezone.now().timestamp()) * 1000

    def __call__(self) -> int:
        return self.now

    def tick(self) -> None:
        """Let the current bucket end."""
        self.now += product_views.bucket_seconds * 1000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock of the test's own for the view counters."""
    clock = Clock()
    monkeypatch.setattr(product_views, "clock", clock)
    return clock


@pytest.fixture
def flushed(clock: Clock) -> Callable[[], dict[str, Any]]:
    """Return a function that lets the bucket end and flushes it."""

    def flush() -> dict[str, Any]:
        clock.tick()
        return sync_view_counts()

    return flush


def counts_everywhere(api: Any, product: Any) -> set[int]:
    """Return the view counts that the endpoints show, without counting a view."""
    pages = ["/products/", "/feeds/discover/", f"/feeds/seller/{product.seller_id}/"]
    answers = [api.get(f"/api/v1{page}").json()["results"] for page in pages]
    answers.append(api.post("/api/v1/batch/products/", {"product_ids": [product.pk]}, format="json").json())
    return {row["view_count"] for rows in answers for row in rows if row["id"] == product.pk}


def test_a_view_is_seen_at_once_in_every_endpoint(api: Any) -> None:
    product = ProductFactory(views=40)
    assert counts_everywhere(api, product) == {40}

    api.get(f"/api/v1/products/{product.pk}/")

    assert counts_everywhere(api, product) == {41}
    assert api.get(f"/api/v1/products/{product.pk}/").json()["view_count"] == 42


def test_the_count_stays_while_and_after_views_are_flushed(
    api: Any, clock: Clock, flushed: Callable[[], Any], redis_state: redis.Redis
) -> None:
    product = ProductFactory(views=5)
    for expected in (6, 7, 8):
        assert increment_view(product.pk) == expected

    clock.tick()
    assert counts_everywhere(api, product) == {8}
    flushed()
    assert counts_everywhere(api, product) == {8}
    # A live count computed again from the totals must not add the applied bucket once more.
    redis_state.delete(product_views.live_key(product.pk))
    assert counts_everywhere(api, product) == {8}
    assert increment_view(product.pk) == 9


def test_a_live_count_that_is_lost_is_the_total_and_what_waits(redis_state: redis.Redis, clock: Clock) -> None:
    product = ProductFactory(views=5)
    increment_view(product.pk)
    clock.tick()
    increment_view(product.pk)

    redis_state.delete(product_views.live_key(product.pk))

    assert increment_view(product.pk) == 8


def test_the_flush_writes_the_totals_and_the_hours(flushed: Callable[[], dict[str, Any]]) -> None:
    first, second = ProductFactory(views=10), ProductFactory()
    for product in (first, first, second):
        increment_view(product.pk)

    stats = flushed()

    assert (stats["products_synced"], stats["total_views"], stats["orphaned"], stats["poison"]) == (2, 3, 0, 0)
    assert dict(ProductViews.objects.values_list("product", "views")) == {first.pk: 12, second.pk: 1}
    assert dict(ProductViewsHour.objects.values_list("product", "views")) == {first.pk: 2, second.pk: 1}


def test_flushing_again_writes_nothing(flushed: Callable[[], dict[str, Any]]) -> None:
    product = ProductFactory()
    increment_view(product.pk)
    flushed()

    again = flushed()

    assert again["total_views"] == 0
    assert ProductViews.objects.get(product=product).views == 1


def test_a_bucket_that_is_still_open_is_not_flushed(clock: Clock) -> None:
    product = ProductFactory()
    increment_view(product.pk)

    assert sync_view_counts()["total_views"] == 0
    clock.tick()
    assert sync_view_counts()["total_views"] == 1


def test_a_product_without_a_row_of_views_gets_one(flushed: Callable[[], dict[str, Any]]) -> None:
    product = ProductFactory()
    ProductViews.objects.all().delete()
    increment_view(product.pk)

    flushed()

    assert ProductViews.objects.get(product=product).views == 1


def test_views_of_a_product_that_is_deleted_are_orphaned(flushed: Callable[[], dict[str, Any]]) -> None:
    product, other = ProductFactory(), ProductFactory()
    gone = product.pk
    increment_view(gone)
    increment_view(other.pk)
    product.delete()

    stats = flushed()

    assert (stats["orphaned"], stats["total_views"]) == (1, 2)
    assert sum(CounterBucket.objects.values_list("orphaned", flat=True)) == 1
    assert ProductViews.objects.get(product=other).views == 1
    assert increment_view(gone) is None


def test_what_does_not_exist_is_not_counted(flushed: Callable[[], dict[str, Any]], api: Any) -> None:
    gone = ProductFactory(status=ProductStatus.WITHDRAWN)

    assert increment_view(10**12) is None
    assert api.get(f"/api/v1/products/{gone.pk}/").status_code == 404
    assert flushed()["total_views"] == 0


@pytest.mark.parametrize(
    "poison", [("x", 1), ("0", 1), ("-4", 1), (str(2**70), 1), ("5", "x"), ("5", -1), ("5", 2**62)]
)
def test_a_poisoned_field_does_not_hold_up_the_others(
    poison: tuple[Any, Any], flushed: Callable[[], dict[str, Any]], redis_state: redis.Redis
) -> None:
    product = ProductFactory()
    increment_view(product.pk)
    ((shard, bucket),) = product_views.backlog()
    redis_state.hset(product_views.key(shard, f"b:{bucket}"), *map(str, poison))

    stats = flushed()

    assert (stats["poison"], stats["total_views"]) == (1, 1)
    assert ProductViews.objects.get(product=product).views == 1


def test_counting_takes_one_round_trip(redis_commands: Any, django_assert_num_queries: Any) -> None:
    product = ProductFactory()
    increment_view(product.pk)

    with redis_commands() as trips, django_assert_num_queries(0):
        increment_view(product.pk)

    assert trips == [["EVALSHA"]]

"""Feeds: pages of ids whose products are always current, and the next page, which is loaded before it is requested."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from caching.http import cache_status
from products import feeds, services
from products.feed_pages import PageAddress
from products.feeds import FeedPage, complete_page, read_page_once
from products.models import Product, ProductStatus, ProductViewsHour
from products.view_history import trending_ids
from tests.factories import CategoryFactory, ProductFactory, UserFactory
from tests.task_queue import Queue

pytestmark = pytest.mark.django_db(transaction=True)


def read_page(address: PageAddress) -> FeedPage | None:
    """Return a page as the API reads it."""
    return complete_page(read_page_once(address))


NOW = timezone.now()


def made(count: int, **fields: Any) -> list[Product]:
    """Return products of one seller and category, the newest first."""
    fields = {"seller": UserFactory(), "category": CategoryFactory(), **fields}
    return [ProductFactory(created_at=NOW - timedelta(minutes=n), **fields) for n in range(count)]


def ids(address: PageAddress) -> list[Any] | None:
    page = read_page(address)
    return list(page.batch.bodies) if page else None


def viewed(product: Product, views: int, hours_ago: float) -> None:
    hour = (timezone.now() - timedelta(hours=hours_ago)).replace(minute=0, second=0, microsecond=0)
    ProductViewsHour.objects.create(product=product, hour=hour, views=views)


def test_discover_lists_what_is_available_newest_first() -> None:
    first, sold, gone, last = made(4)
    Product.objects.filter(pk=sold.pk).update(status=ProductStatus.SOLD)
    Product.objects.filter(pk=gone.pk).update(status=ProductStatus.WITHDRAWN)

    assert ids(PageAddress("discover")) == [first.pk, last.pk]


def test_products_of_one_moment_are_listed_by_id() -> None:
    batch = ProductFactory.create_batch(5, created_at=NOW)

    assert ids(PageAddress("discover")) == sorted((product.pk for product in batch), reverse=True)


def test_a_category_and_a_seller_list_their_own() -> None:
    mine, others = made(2), made(2)

    assert ids(PageAddress(f"category/{mine[0].category.slug}")) == [product.pk for product in mine]
    assert ids(PageAddress(f"seller/{others[0].seller_id}")) == [product.pk for product in others]


def test_trending_ranks_the_views_of_the_last_day() -> None:
    often, twice, once, never, old, sold = made(6)
    viewed(once, 1, 2)
    viewed(twice, 2, 3)
    viewed(often, 2, 1)
    viewed(often, 2, 20)
    viewed(old, 100, 26)
    viewed(sold, 100, 1)
    Product.objects.filter(pk=sold.pk).update(status=ProductStatus.SOLD)

    assert ids(PageAddress("trending")) == [often.pk, twice.pk, once.pk]
    assert ids(PageAddress("trending", 2, 2)) == [once.pk]
    assert never.pk not in trending_ids(0, 100)


def test_trending_forgets_by_halves() -> None:
    old, lately, now, before = made(4)
    viewed(old, 100, 20)
    viewed(lately, 100, 4)
    viewed(now, 60, 0)
    viewed(before, 100, 5)

    assert ids(PageAddress("trending")) == [lately.pk, now.pk, before.pk, old.pk]


def test_products_that_trend_alike_are_listed_by_id_across_pages() -> None:
    """Two views of a half-life ago weigh as much as one now."""
    products = made(7)
    for n, product in enumerate(products):
        viewed(product, *((4, 0), (8, 6), (16, 12), (32, 18))[n % 4])
    expected = sorted((product.pk for product in products), reverse=True)

    pages = [read_page(PageAddress("trending", page, 3)) for page in (1, 2, 3)]

    assert [list(page.batch.bodies) for page in pages if page] == [expected[:3], expected[3:6], expected[6:]]
    assert [page.has_next for page in pages if page] == [True, True, False]
    assert read_page(PageAddress("trending", 4, 3)) is None


def test_pages_follow_each_other_without_gaps_to_the_last() -> None:
    everything = [product.pk for product in made(7)]

    pages = [read_page(PageAddress("discover", page, 3)) for page in (1, 2, 3)]

    assert [id for page in pages if page for id in page.batch.bodies] == everything
    assert [page.has_next for page in pages if page] == [True, True, False]
    assert read_page(PageAddress("discover", 4, 3)) is None


def test_a_last_page_that_is_full_has_no_next() -> None:
    made(6)

    page = read_page(PageAddress("discover", 2, 3))

    assert page is not None
    assert not page.has_next
    assert read_page(PageAddress("discover", 3, 3)) is None


def test_the_first_page_of_what_exists_may_be_empty_and_of_what_does_not_is_none() -> None:
    category, seller, gone = CategoryFactory(), UserFactory(), UserFactory(is_active=False)

    assert ids(PageAddress("discover")) == []
    assert ids(PageAddress("trending")) == []
    assert ids(PageAddress(f"category/{category.slug}")) == []
    assert ids(PageAddress(f"seller/{seller.pk}")) == []
    assert ids(PageAddress("category/unknown")) is None
    assert ids(PageAddress(f"seller/{gone.pk}")) is None
    assert ids(PageAddress(f"seller/{10**17}")) is None


@pytest.mark.parametrize("text", ["", "discover", "discover:1", "popular:1:20", "category/A:1:20", "seller/x:1:20"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no feed page"):
        PageAddress.parse(text)


def test_an_address_is_read_as_it_was_written() -> None:
    address = PageAddress("category/lamps", 3, 50)

    assert PageAddress.parse(str(address)) == address


def test_reading_a_page_has_the_next_one_prepared_once(queue: Queue, django_assert_num_queries: Any) -> None:
    listed = made(9)

    for _ in range(3):
        read_page(PageAddress("discover", 1, 3))
    sent = queue.messages()
    queue.run()

    assert [(message.task, message.args[1][0][0]) for message in sent] == [(feeds.PREPARE_TASK, "discover:2:3")]
    with django_assert_num_queries(0):
        page = read_page(PageAddress("discover", 2, 3))
    assert page is not None
    assert cache_status(page.origin) == "marketplace; hit"
    assert list(page.batch.bodies) == [product.pk for product in listed[3:6]]


def test_a_page_that_is_ready_is_not_prepared_again(queue: Queue) -> None:
    made(9)
    read_page(PageAddress("discover", 2, 3))
    queue.run()

    read_page(PageAddress("discover", 1, 3))

    assert queue.messages() == []


def test_nothing_is_prepared_behind_the_last_page(queue: Queue) -> None:
    made(3)

    read_page(PageAddress("discover", 1, 3))

    assert queue.messages() == []


def test_a_prepared_page_does_not_prepare_what_follows_it(queue: Queue) -> None:
    made(9)
    read_page(PageAddress("discover", 1, 3))

    queue.run()

    assert queue.messages() == []


def test_a_preparation_that_an_edit_overtook_shows_the_edit(queue: Queue) -> None:
    listed = made(5)
    read_page(PageAddress("discover", 1, 3))
    queue.run()

    services.update_product(listed[4].pk, listed[4].seller, title="Edited")

    page = read_page(PageAddress("discover", 2, 3))
    assert page is not None
    assert b'"title":"Edited"' in page.batch.bodies[listed[4].pk]


def test_a_stale_page_is_answered_and_refreshed_by_one_task(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    made(2)
    address = PageAddress("discover")
    before = ids(address)
    newest = ProductFactory(created_at=NOW + timedelta(minutes=1))
    soft_ttl = feeds.feed_pages.policy.soft_ms(negative=False)
    clock = feeds.feed_pages.store.clock
    monkeypatch.setattr(feeds.feed_pages.store, "clock", lambda: clock() + soft_ttl)

    stale = [read_page(address) for _ in range(3)]
    tasks = [message.task for message in queue.run()]

    assert [list(page.batch.bodies) for page in stale if page] == [before] * 3
    assert all(cache_status(page.origin) == "marketplace; hit; detail=stale" for page in stale if page)
    assert tasks == ["caching.tasks.refresh"]
    assert ids(address) == [newest.pk, *(before or [])]


def test_that_there_was_no_such_feed_is_forgotten_when_there_is(api: APIClient) -> None:
    """Law 6: a missing row is remembered briefly, and forgotten when it is committed."""
    assert api.get("/api/v1/feeds/category/lamps/").status_code == 404
    CategoryFactory(slug="lamps")
    assert api.get("/api/v1/feeds/category/lamps/").status_code == 200
    seller = UserFactory()
    assert api.get(f"/api/v1/feeds/seller/{seller.pk + 1}/").status_code == 404
    assert api.get(f"/api/v1/feeds/seller/{UserFactory(id=seller.pk + 1).pk}/").status_code == 200


def test_readers_of_a_cold_page_load_it_once() -> None:
    """Law 3."""
    made(2)
    object.__setattr__(feeds.feed_pages.policy, "wait", 5.0)
    loads: list[list[str]] = []
    load = feeds.feed_pages.loader

    def slow(addresses: Any) -> Any:
        loads.append(list(addresses))
        time.sleep(0.05)
        return load(addresses)

    def read(_: int) -> int:
        try:
            page = read_page(PageAddress("discover"))
            return len(page.batch.bodies) if page else 0
        finally:
            connection.close()

    feeds.feed_pages.loader = slow
    try:
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(read, range(8))) == [2] * 8
    finally:
        feeds.feed_pages.loader = load
        object.__setattr__(feeds.feed_pages.policy, "wait", 0.25)
    assert len(loads) == 1

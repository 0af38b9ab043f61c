"""The ids to warm: popular products, and the first pages of the feeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from caching import Id
from products.feed_pages import PageAddress, newest_ids
from products.models import Category
from products.view_history import trending_ids

_GENERAL_PAGES = 5


def popular_products(limit: int) -> Iterable[Id]:
    """Yield at most `limit` ids of products: trending ones first, then the newest."""
    viewed = trending_ids(0, limit)
    yield from viewed
    seen = set(viewed)
    newest = (id for id in newest_ids()[:limit] if id not in seen)
    yield from islice(newest, limit - len(viewed))


def first_pages(limit: int) -> Iterable[Id]:
    """Yield at most `limit` keys of pages: the first general pages, then the first page of each category."""
    return (str(address) for address in islice(_addresses(), limit))


def _addresses() -> Iterator[PageAddress]:
    for page in range(1, _GENERAL_PAGES + 1):
        yield PageAddress("discover", page)
        yield PageAddress("trending", page)
    for slug in Category.objects.values_list("slug", flat=True):
        yield PageAddress(f"category/{slug}")

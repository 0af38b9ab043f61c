"""What is worth warming of the catalogue: the products that people look at, and the first pages of the feeds."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from caching.keys import Id
from caching.readthrough.warming import Warmer, register
from products.cache import product_views, products
from products.feeds import feed_pages, first_pages, newest_ids
from products.view_history import trending_ids

_GENERAL_PAGES = 5


def popular(limit: int) -> Iterable[Id]:
    """Yield ids of products, those trending first, then the newest."""
    viewed = trending_ids(0, limit)
    yield from viewed
    seen = set(viewed)
    newest = (id for id in newest_ids()[:limit] if id not in seen)
    yield from islice(newest, limit - len(viewed))


def feeds(limit: int) -> Iterable[Id]:
    """Yield the addresses of the pages that a visitor sees first."""
    return (str(address) for address in islice(first_pages(_GENERAL_PAGES), limit))


register(Warmer("popular", products, popular, product_views))
register(Warmer("feeds", feed_pages, feeds))

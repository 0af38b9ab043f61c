"""Feeds: pages of product ids, cached for seconds, hydrated through the entries of the products themselves.

So a page may list yesterday's order for a moment, but never yesterday's price. A page's entry holds up to
`per_page` ids and one more if there is a next page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from caching.entries.policy import Policy
from caching.http.responses import Origin
from caching.keys import Id
from caching.readthrough.batch import Ask, Batch, LookMany, fetch_many, look_all, look_many, settle_many
from caching.readthrough.refresh import prefetch
from caching.readthrough.source import Load, Source, register
from products.cache import product_views, products
from products.models import Category, Product, ProductStatus
from products.view_history import trending_ids

PER_PAGE = 20
MAX_PER_PAGE = 100
# OFFSET walks over every row before it; no person pages this far.
MAX_PAGE = 100_000
# What pages listed when this process last read them: no more than which products to ask for together with a page.
_guesses: dict[str, list[Id]] = {}
_MAX_GUESSES = 1000

PREPARE_TASK = "products.tasks.prepare_feed_page"

_ADDRESS = re.compile(r"(discover|trending|category/[a-z0-9-]+|seller/[0-9]{1,18}):([0-9]+):([0-9]+)\Z")


@dataclass(frozen=True, slots=True)
class PageAddress:
    """Which page of which feed: `discover`, `trending`, `category/<slug>` or `seller/<id>`."""

    feed: str
    page: int = 1
    per_page: int = PER_PAGE

    def __str__(self) -> str:
        return f"{self.feed}:{self.page}:{self.per_page}"

    def next(self) -> PageAddress:
        return replace(self, page=self.page + 1)


@dataclass(slots=True)
class FeedPage:
    """A page as it is answered: the products, whether another page follows, and where it all came from."""

    batch: Batch
    has_next: bool
    origin: Origin


class PageLook(NamedTuple):
    """What was found of a page: its ids, if they are a plain hit, and then its products."""

    address: PageAddress
    pages: LookMany | None
    shown: LookMany | None
    found: Batch | None = None
    has_next: bool = False

    def plain_hit(self) -> FeedPage | None:
        """Return the page if nothing is left to do, not even to have the next one made ready."""
        if self.shown is None or self.found is None:
            return None
        if self.has_next and self.pages is not None and not self.pages.stored_ahead():
            return None
        batch = self.shown.plain_hits()
        return None if batch is None else FeedPage(batch, self.has_next, Origin(1 + batch.hits))


def first_page_keys(feed: str) -> list[str]:
    """Return the keys of a feed's first page in every size: what remembers that there is no such feed."""
    return [str(PageAddress(feed, 1, size)) for size in range(1, MAX_PER_PAGE + 1)]


def read_page(address: PageAddress) -> FeedPage | None:
    """Return a page, or None if there is none; have the next one made ready if it is not there yet."""
    return settle_page(look_page(address))


def look_page(address: PageAddress) -> PageLook:
    """Look for a page and for its products: in one round trip if it lists what this process saw it list last."""
    key = str(address)
    if _ADDRESS.match(key) is None:
        # No category or seller can have this name, so there is nothing to look up or to remember as missing.
        return PageLook(address, None, None)
    guess = _guesses.get(key, [])
    pages, shown = look_all([Ask(feed_pages, [key], ahead=[str(address.next())]), Ask(products, guess, product_views)])
    found = pages.plain_hits()
    if found is None:
        return PageLook(address, pages, None)
    ids = _listed(found.bodies[key])
    if ids[: address.per_page] != guess:
        _remember(key, ids[: address.per_page])
        shown = look_many(products, ids[: address.per_page], product_views)
    return PageLook(address, pages, shown, found, has_next=len(ids) > address.per_page)


def _remember(key: str, ids: list[Id]) -> None:
    if len(_guesses) >= _MAX_GUESSES:
        _guesses.clear()
    _guesses[key] = ids


def settle_page(look: PageLook) -> FeedPage | None:
    """Turn a look into a page, by whatever that takes; None if there is none."""
    address = look.address
    if look.pages is None:
        return None
    if look.shown is not None and look.found is not None:
        found, has_next = look.found, look.has_next
        batch = look.shown.plain_hits() or settle_many(look.shown)
    else:
        found = settle_many(look.pages, wait=True)
        body = found.bodies.get(str(address))
        if body is None:
            return None
        ids = _listed(body)
        has_next = len(ids) > address.per_page
        batch = fetch_many(products, ids[: address.per_page], product_views)
    if has_next and not look.pages.stored_ahead():
        prefetch_next_page(address)
    origin = Origin(found.hits, found.stale, found.misses) + Origin(batch.hits, batch.stale, batch.misses)
    return FeedPage(batch, has_next, origin)


def _listed(body: bytes) -> list[Id]:
    return [int(id) for id in body.split(b",")] if body else []


def prefetch_next_page(address: PageAddress) -> None:
    """Have the page after this one made ready in the background, with its products, unless someone does already."""
    prefetch(feed_pages, [str(address.next())], PREPARE_TASK)


def load_pages(addresses: Sequence[Id]) -> Load:
    """Load pages of ids, each with one query; a page that does not exist is left out."""
    loaded = ((address, _load_page(parse(str(address)))) for address in addresses)
    return Load({address: body for address, body in loaded if body is not None})


def parse(text: str) -> PageAddress:
    """Return the address that `str` made. Raises ValueError."""
    match = _ADDRESS.match(text)
    if match is None:
        raise ValueError(f"no feed page: {text!r}")
    return PageAddress(match[1], int(match[2]), int(match[3]))


def _load_page(address: PageAddress) -> bytes | None:
    ids = _ids(address)
    if not ids and (address.page > 1 or not _exists(address.feed)):
        return None
    return ",".join(map(str, ids)).encode()


def newest_ids() -> QuerySet[Product, int]:
    """Return the ids of available products, newest first."""
    available = Product.objects.filter(status=ProductStatus.AVAILABLE)
    return available.order_by("-created_at", "-id").values_list("id", flat=True)


def _ids(address: PageAddress) -> list[int]:
    """Return the ids of a page and, if there is a next page, one more."""
    start, count = (address.page - 1) * address.per_page, address.per_page + 1
    if address.feed == "trending":
        return trending_ids(start, count)
    return list(_newest_of(address.feed)[start : start + count])


def _newest_of(feed: str) -> QuerySet[Product, int]:
    kind, _, name = feed.partition("/")
    if kind == "seller":
        return newest_ids().filter(seller_id=int(name))
    if kind == "category":
        # A look-up of its own, so that the planner sees a constant and takes the index of the category.
        category = Category.objects.filter(slug=name).values_list("id", flat=True).first()
        return newest_ids().filter(category_id=category) if category else newest_ids().none()
    return newest_ids()


def _exists(feed: str) -> bool:
    kind, _, name = feed.partition("/")
    if kind == "category":
        return Category.objects.filter(slug=name).exists()
    if kind == "seller":
        return get_user_model().objects.filter(pk=int(name), is_active=True).exists()
    return True


def first_pages(count: int) -> Iterable[PageAddress]:
    """Yield the pages that a visitor sees first: the first `count` of the general feeds and one of each category."""
    for page in range(1, count + 1):
        yield PageAddress("discover", page)
        yield PageAddress("trending", page)
    for slug in Category.objects.values_list("slug", flat=True):
        yield PageAddress(f"category/{slug}")


feed_pages = register(
    Source(
        Policy("feed", soft_ttl=settings.FEED_SOFT_TTL, hard_ttl=settings.FEED_HARD_TTL, negative_ttl=5),
        load_pages,
    )
)

"""Feeds: pages of product ids, cached for seconds, hydrated through the entries of the products themselves.

So a page may list an order that is some seconds old, but never an old price.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from caching import (
    Batch,
    BatchLookup,
    Id,
    Origin,
    Request,
    complete_many,
    fetch_many,
    prefetch,
    read_all_once,
    read_many_once,
)
from products.cache import feed_pages, products
from products.feed_pages import PageAddress, listed

# OFFSET walks over every row before it; no person pages this far.
MAX_PAGE = 100_000
# What pages listed when this process last read them: the products to ask for together with a page.
_guesses: dict[str, list[Id]] = {}
_MAX_GUESSES = 1000

PREPARE_TASK = "products.tasks.prepare_feed_page"


@dataclass(slots=True)
class FeedPage:
    """A page as it is answered: the products, whether another page follows, and where it all came from."""

    batch: Batch
    has_next: bool
    origin: Origin


class PageLookup(NamedTuple):
    """What was found of a page: its ids, if they are a plain hit, and then its products."""

    address: PageAddress
    pages: BatchLookup | None
    shown: BatchLookup | None
    found: Batch | None = None
    has_next: bool = False

    def plain_hit(self) -> FeedPage | None:
        """Return the page if nothing is left to do, not even to have the next one made ready."""
        if self.shown is None or self.found is None:
            return None
        if self.has_next and self.pages is not None and not self.pages.stored_ahead():
            return None
        batch = self.shown.plain_hit()
        return None if batch is None else FeedPage(batch, self.has_next, self.found.origin + batch.origin)


def read_page_once(address: PageAddress) -> PageLookup:
    """Read a page and its products: in one round trip if it lists what this process last saw on it."""
    key = str(address)
    if not address.can_exist:
        return PageLookup(address, None, None)
    guess = _guesses.get(key, [])
    pages, shown = read_all_once([Request(feed_pages, [key], ahead=[str(address.next())]), Request(products, guess)])
    found = pages.plain_hit()
    if found is None:
        return PageLookup(address, pages, None)
    ids = listed(found.bodies[key])
    if ids[: address.per_page] != guess:
        _remember(key, ids[: address.per_page])
        shown = read_many_once(products, ids[: address.per_page])
    return PageLookup(address, pages, shown, found, has_next=len(ids) > address.per_page)


def complete_page(lookup: PageLookup) -> FeedPage | None:
    """Turn a lookup into a page by loading what it lacks; None if there is no such page."""
    address = lookup.address
    if lookup.pages is None:
        return None
    if lookup.shown is not None and lookup.found is not None:
        found, has_next = lookup.found, lookup.has_next
        batch = lookup.shown.plain_hit() or complete_many(lookup.shown)
    else:
        found = complete_many(lookup.pages, wait=True)
        body = found.bodies.get(str(address))
        if body is None:
            return None
        ids = listed(body)
        has_next = len(ids) > address.per_page
        batch = fetch_many(products, ids[: address.per_page])
    if has_next and not lookup.pages.stored_ahead():
        prefetch_next_page(address)
    return FeedPage(batch, has_next, found.origin + batch.origin)


def prefetch_next_page(address: PageAddress) -> None:
    """Have the next page made ready in the background, with its products, unless another process does already."""
    prefetch(feed_pages, [str(address.next())], PREPARE_TASK)


def _remember(key: str, ids: list[Id]) -> None:
    if len(_guesses) >= _MAX_GUESSES:
        _guesses.clear()
    _guesses[key] = ids

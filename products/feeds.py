"""Feeds: pages of product ids, cached for seconds, whose products are read from their own entries.

So the order of a page may be some seconds old, but never a price on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from caching import (
    Batch,
    BatchLookup,
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
from products.page_guesses import guesses

# PostgreSQL reads every row before OFFSET and skips it; no person pages this far.
MAX_PAGE = 100_000

PREPARE_TASK = "products.tasks.prepare_feed_page"


@dataclass(slots=True)
class FeedPage:
    """A page to answer: its products, whether another page follows, and the origin of the page and the products."""

    batch: Batch
    has_next: bool
    origin: Origin


class PageLookup(NamedTuple):
    """A page as one read found it, before anything is loaded.

    `pages` is the lookup of the page's ids, None if the feed cannot exist. The other fields are set only if that is a
    plain hit: `found` has the ids, and `shown` is the lookup of the products.
    """

    address: PageAddress
    pages: BatchLookup | None
    shown: BatchLookup | None
    found: Batch | None = None
    has_next: bool = False

    def plain_hit(self) -> FeedPage | None:
        """Return the page if nothing has to be loaded or refreshed and the next page is stored; else None."""
        if self.shown is None or self.found is None:
            return None
        if self.has_next and self.pages is not None and not self.pages.stored_ahead():
            return None
        batch = self.shown.plain_hit()
        return None if batch is None else FeedPage(batch, self.has_next, self.found.origin + batch.origin)


def read_page_once(address: PageAddress) -> PageLookup:
    """Read a page and its products: in one round trip if the page still lists what this process last saw on it."""
    key = str(address)
    if not address.can_exist:
        return PageLookup(address, None, None)
    guess = guesses.of(key)
    pages, shown = read_all_once([Request(feed_pages, [key], ahead=[str(address.next())]), Request(products, guess)])
    found = pages.plain_hit()
    if found is None:
        return PageLookup(address, pages, None)
    ids = listed(found.bodies[key])
    if ids[: address.per_page] != guess:
        guesses.remember(key, ids[: address.per_page])
        shown = read_many_once(products, ids[: address.per_page])
    return PageLookup(address, pages, shown, found, has_next=len(ids) > address.per_page)


def complete_page(lookup: PageLookup) -> FeedPage | None:
    """Load what a lookup lacks, and return the page; None if there is no such page.

    It also has the next page prefetched, unless that is stored.
    """
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
    """Enqueue a task that loads the next page and its products, unless it is stored or already being loaded."""
    prefetch(feed_pages, [str(address.next())], PREPARE_TASK)

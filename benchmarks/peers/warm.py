"""Warms ours and the peers, so that hits are measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.harness.catalogue import Catalogue
from benchmarks.peers import conventional, floor
from caching import fetch_many
from marketplace.accounts.cache import load_users, users
from products.cache import feed_pages, load_products, products
from products.feed_pages import PER_PAGE, PageAddress

_CHUNK = 100


def warm(catalogue: Catalogue, pages: int) -> None:
    """Fill the three caches with products, users, the first pages and one more, so that none is prefetched."""
    bodies: dict[int, bytes] = {}
    for chunk in _chunks(catalogue.products):
        fetch_many(products, chunk)
        bodies |= load_products(chunk).bodies
        conventional.load_products(chunk)
    people: dict[int, bytes] = {}
    for chunk in _chunks(catalogue.users):
        fetch_many(users, chunk)
        people |= load_users(chunk).bodies
        conventional.read_users(chunk)
    numbers = range(1, pages + 2)
    fetch_many(feed_pages, [str(PageAddress("discover", page)) for page in numbers])
    floor.store(bodies, people, {page: conventional.read_page(page, PER_PAGE) for page in numbers})


def _chunks(ids: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), _CHUNK):
        yield list(ids[start : start + _CHUNK])

"""Brings the entries of products into the states in which reads are measured."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from django.core.management import call_command

from caching import Resource, fetch_many, invalidate
from products.cache import load_products, products

# The same entries, read without their live counts.
uncounted = Resource(products.policy, products.loader)
TTL_SECONDS = 3600
_CHUNK = 100
_STALE_MS = round(products.policy.soft_ttl * 1000) + 1000


class NotFresh(Exception):
    """Entries that should be measured as hits are not fresh."""


def drop(ids: Sequence[int]) -> None:
    """Erase entries."""
    invalidate(products, ids)


def fill(ids: Sequence[int]) -> None:
    """Load and fill all again, packed with the current dictionary, with their live counts."""
    for chunk in _chunks(ids):
        drop(chunk)
        fetch_many(products, chunk)


def check_fresh(ids: Sequence[int]) -> None:
    """Raise NotFresh unless all are hits."""
    found = fetch_many(products, ids)
    if found.origin.hits < len(ids):
        raise NotFresh(f"{found.origin.hits} of {len(ids)} products are fresh, {found.origin.stale} stale")


def make_stale(ids: Sequence[int]) -> None:
    """Fill entries that are past their soft TTL, without a refresh on its way."""
    store = products.store
    drop(ids)
    generation = store.read([]).generation
    store.fill(load_products(ids).bodies, store.lease(ids), store.clock() - _STALE_MS, generation)


def make_noticed(ids: Sequence[int]) -> None:
    """Fill stale entries whose leases a refresh already holds."""
    make_stale(ids)
    products.store.lease(ids, background=frozenset(ids), ttl_ms=TTL_SECONDS * 1000)


def train_dictionary() -> None:
    """Train a dictionary on the cached entries, which new entries are packed with."""
    call_command("train_dictionary", "product", stdout=io.StringIO())


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _CHUNK):
        yield ids[start : start + _CHUNK]

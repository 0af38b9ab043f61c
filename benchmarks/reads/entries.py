"""Products' entries in the states that reads are measured in."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from django.core.management import call_command

from caching import Resource, fetch_many
from caching.entries.erasure import erase
from products.cache import load_products, products

# The same entries, read without their live counts.
uncounted = Resource(products.policy, products.loader)
TTL_SECONDS = 3600
_CHUNK = 100
_STALE_MS = round(products.policy.soft_ttl * 1000) + 1000


class NotFresh(Exception):
    """What was to be measured as hits is none."""


def drop(ids: Sequence[int]) -> None:
    """Erase entries, as an invalidation does."""
    erase(products.policy.namespace, ids)


def fill(ids: Sequence[int]) -> None:
    """Load and fill all anew, as entries are packed now, with their live counts."""
    for chunk in _chunks(ids):
        drop(chunk)
        fetch_many(products, chunk)


def check_fresh(ids: Sequence[int]) -> None:
    """Raise NotFresh unless all are hits."""
    found = fetch_many(products, ids)
    if found.origin.hits < len(ids):
        raise NotFresh(f"{found.origin.hits} of {len(ids)} products are fresh, {found.origin.stale} stale")


def make_stale(ids: Sequence[int]) -> None:
    """Fill entries that are past their soft TTL and that nobody is about to refresh."""
    store = products.store
    drop(ids)
    generation = store.read([]).generation
    store.fill(load_products(ids).bodies, store.lease(ids), store.clock() - _STALE_MS, generation)


def make_noticed(ids: Sequence[int]) -> None:
    """Fill stale entries whose leases a refresh already has."""
    make_stale(ids)
    products.store.lease(ids, background=frozenset(ids), ttl_ms=TTL_SECONDS * 1000)


def train_dictionary() -> None:
    """Have new entries packed with a dictionary that is trained on those that are cached."""
    call_command("train_dictionary", "product", stdout=io.StringIO())


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _CHUNK):
        yield ids[start : start + _CHUNK]

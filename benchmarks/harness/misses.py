"""The same reads with some entries missing: the requests, each sent once, and what is removed before them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from benchmarks.harness.catalogue import Catalogue
from benchmarks.harness.traffic import FLOOR, OURS, by_variant, detail, feed_page, product_batch, user_batch
from benchmarks.peers import floor
from caching import invalidate
from marketplace.accounts.cache import users
from products.cache import product_views, products
from products.feed_pages import PER_PAGE, newest_ids

T = TypeVar("T")

VARIANTS = (OURS, FLOOR)
PART = 0.3
_DETAILS = 300
_BATCHES = 50


@dataclass(frozen=True, slots=True)
class Missing:
    """What is missing when the requests begin: entries of products, live counts of products, entries of users."""

    products: Sequence[int] = ()
    counts: Sequence[int] = ()
    users: Sequence[int] = ()

    def forget(self, variant: str) -> None:
        """Remove it from the cache of a variant: from ours as an invalidation and an eviction do."""
        if variant == FLOOR:
            floor.forget(self.products, self.counts, self.users)
            return
        invalidate(products, self.products)
        invalidate(users, self.users)
        product_views.forget(self.counts)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of read: its requests by variant, no two for the same thing, and what they miss."""

    name: str
    requests: dict[str, list[bytes]]
    missing: Missing


def scenarios(catalogue: Catalogue, pages: int) -> list[Scenario]:
    """Return the four reads with 30 % of their entries missing, and details with everything missing."""
    random = Random(11)
    some = random.sample(catalogue.products, min(_DETAILS, len(catalogue.products)))
    batches = _parts(random, catalogue.products, 100)
    people = _parts(random, catalogue.users, 20)
    listed = list(newest_ids()[: pages * PER_PAGE])
    shown = [listed[start : start + PER_PAGE] for start in range(0, len(listed), PER_PAGE)]
    numbers = list(range(1, len(shown) + 1))
    said = f"{PART * 100:.0f} % missing"
    return [
        _scenario(f"detail, {said}", detail, some, Missing(products=_some(random, some))),
        _scenario("cold detail", detail, some, Missing(products=some, counts=some)),
        _scenario(f"feed page of 20, {said}", feed_page, numbers, Missing(products=_some_each(random, shown))),
        _scenario(f"batch of 100, {said}", product_batch, batches, Missing(products=_some_each(random, batches))),
        _scenario(f"batch of 20 users, {said}", user_batch, people, Missing(users=_some_each(random, people))),
    ]


def _scenario(name: str, make: Callable[[str, T], bytes], drawn: Sequence[T], missing: Missing) -> Scenario:
    return Scenario(name, by_variant(drawn, make, VARIANTS), missing)


def _parts(random: Random, ids: Sequence[int], size: int) -> list[list[int]]:
    """Return disjoint parts of the ids."""
    mixed = random.sample(ids, len(ids))
    whole = [mixed[start : start + size] for start in range(0, len(mixed) - size + 1, size)]
    return whole[:_BATCHES]


def _some(random: Random, ids: Sequence[int]) -> list[int]:
    return random.sample(ids, round(PART * len(ids)))


def _some_each(random: Random, parts: Sequence[Sequence[int]]) -> list[int]:
    return [id for part in parts for id in _some(random, part)]

"""The requests of the HTTP benchmarks: the same ids, drawn from a seed, for ours and for the peers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from benchmarks.harness.catalogue import Catalogue
from benchmarks.harness.load import request
from marketplace.development.bootstrap.ports import HOST

T = TypeVar("T")

OURS, FLOOR, CONVENTIONAL = "ours", "floor", "conventional"
BASES = {OURS: "/api/v1", FLOOR: "/floor", CONVENTIONAL: "/conventional"}
_DIFFERENT_REQUESTS = 200


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of read: its requests by variant, and the ratios of requests/s to the peers to aim at."""

    name: str
    requests: dict[str, list[bytes]]
    floor_aim: float
    conventional_aim: float | None = None


def scenarios(catalogue: Catalogue, pages: int) -> list[Scenario]:
    """Return the four reads: one product, a feed page of 20, a batch of 100 products, a batch of 20 users."""
    random = Random(7)
    some = [random.choice(catalogue.products) for _ in range(_DIFFERENT_REQUESTS)]
    batches = [_sample(random, catalogue.products, 100) for _ in some]
    people = [_sample(random, catalogue.users, 20) for _ in some]
    numbers = [random.randint(1, pages) for _ in some]
    return [
        Scenario("detail", by_variant(some, detail), floor_aim=0.80, conventional_aim=2.0),
        Scenario("feed page of 20", by_variant(numbers, feed_page), floor_aim=0.80),
        Scenario("batch of 100", by_variant(batches, product_batch), floor_aim=0.80, conventional_aim=5.5),
        Scenario("batch of 20 users", by_variant(people, user_batch), floor_aim=0.75),
    ]


def by_variant(
    drawn: Sequence[T], make: Callable[[str, T], bytes], variants: Sequence[str] = tuple(BASES)
) -> dict[str, list[bytes]]:
    """Return the requests that `make` builds from the drawn values, for each variant under its base."""
    return {variant: [make(BASES[variant], item) for item in drawn] for variant in variants}


def detail(base: str, pk: int) -> bytes:
    """Return the request of a product."""
    return request("GET", f"{base}/products/{pk}/", HOST)


def feed_page(base: str, page: int) -> bytes:
    """Return the request of a page of the newest products."""
    return request("GET", f"{base}/feeds/discover/?page={page}", HOST)


def product_batch(base: str, ids: list[int]) -> bytes:
    """Return the request of many products."""
    return request("POST", f"{base}/batch/products/", HOST, json.dumps({"product_ids": ids}).encode())


def user_batch(base: str, ids: list[int]) -> bytes:
    """Return the request of many users."""
    return request("POST", f"{base}/batch/users/", HOST, json.dumps({"user_ids": ids}).encode())


def _sample(random: Random, ids: Sequence[int], size: int) -> list[int]:
    return random.sample(ids, min(size, len(ids)))

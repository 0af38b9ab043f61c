"""The requests of the HTTP benchmarks: the same ids, drawn from a seed, asked of ours and of the peers."""

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
    """One kind of read, its requests by variant, and the ratios of requests/s to the peers that are aimed at."""

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
    details = _by_variant(some, lambda base, pk: _get(f"{base}/products/{pk}/"))
    feeds = _by_variant(numbers, lambda base, page: _get(f"{base}/feeds/discover/?page={page}"))
    return [
        Scenario("detail", details, floor_aim=0.80, conventional_aim=2.0),
        Scenario("feed page of 20", feeds, floor_aim=0.80),
        Scenario("batch of 100", _by_variant(batches, _product_batch), floor_aim=0.80, conventional_aim=5.5),
        Scenario("batch of 20 users", _by_variant(people, _user_batch), floor_aim=0.75),
    ]


def _by_variant(drawn: Sequence[T], make: Callable[[str, T], bytes]) -> dict[str, list[bytes]]:
    return {variant: [make(base, item) for item in drawn] for variant, base in BASES.items()}


def _get(path: str) -> bytes:
    return request("GET", path, HOST)


def _product_batch(base: str, ids: list[int]) -> bytes:
    return request("POST", f"{base}/batch/products/", HOST, json.dumps({"product_ids": ids}).encode())


def _user_batch(base: str, ids: list[int]) -> bytes:
    return request("POST", f"{base}/batch/users/", HOST, json.dumps({"user_ids": ids}).encode())


def _sample(random: Random, ids: Sequence[int], size: int) -> list[int]:
    return random.sample(ids, min(size, len(ids)))

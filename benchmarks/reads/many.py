"""A hundred products through `fetch_many`: hits, hits with live counts, and with a part missing."""

from __future__ import annotations

import random
from collections.abc import Sequence

from benchmarks.harness.rows import Reach
from benchmarks.reads import raw
from benchmarks.reads.compare import Comparison, Side
from benchmarks.reads.entries import TTL_SECONDS, check_fresh, drop, uncounted
from caching import fetch_many
from products.cache import load_products, product_views, products

SIZE = 100
MISSING = 30
PLAIN = Reach(1.25, at_least=False)
PACKED = Reach(2, at_least=False)
_BATCHES, _FEW = 20, 5

Batch = tuple[int, ...]


def batches(ids: Sequence[int]) -> list[Batch]:
    """Return disjoint batches of products, drawn from a seed."""
    drawn = random.Random(3).sample(ids, len(ids))
    return [tuple(drawn[start : start + SIZE]) for start in range(0, len(drawn) - SIZE + 1, SIZE)][:_BATCHES]


def hits(ids: Sequence[int], packed: str, reach: Reach) -> list[Comparison]:
    """Return the comparisons of hits; `packed` names how the present entries are packed."""
    drawn, client = batches(ids), raw.client()
    keys = {batch: raw.keys(batch) for batch in drawn}
    looks = {batch: product_views.live_command(batch).args for batch in drawn}

    def two_mgets(batch: Batch) -> None:
        client.pipeline(transaction=False).mget(keys[batch]).execute_command(*looks[batch]).execute()

    mget = Side("MGET", lambda batch: client.mget(keys[batch]))
    ours = Side("fetch_many", lambda batch: fetch_many(uncounted, batch), check_all)
    counted = Side("fetch_many", lambda batch: fetch_many(products, batch), check_all)
    return [
        Comparison(f"{SIZE} hits, {packed}", ours, mget, drawn, 1, reach),
        Comparison(f"{SIZE} hits with live counts, {packed}", counted, Side("MGET + MGET", two_mgets), drawn, trips=1),
    ]


def with_misses(ids: Sequence[int]) -> list[Comparison]:
    """Return the comparison of batches with some entries missing and the rest fresh."""
    few, client = batches(ids)[:_FEW], raw.client()
    keys = {batch: raw.keys(batch) for batch in few}
    missing = f"{SIZE} with {MISSING} missing"

    def mget_query_and_set(batch: Batch) -> None:
        found = client.mget(keys[batch])
        lost = [id for id, body in zip(batch, found, strict=True) if body is None]
        pipeline = client.pipeline(transaction=False)
        for id, body in load_products(lost).bodies.items():
            pipeline.set(keys[batch][batch.index(id)], body, ex=TTL_SECONDS)
        pipeline.execute()

    ours = Side("fetch_many", lambda batch: fetch_many(uncounted, batch), _lose_some)
    return [Comparison(missing, ours, Side("MGET, query, SETs", mget_query_and_set, _lose_some), few, trips=3)]


def check_all(drawn: Sequence[Batch]) -> None:
    """Raise NotFresh unless all are hits."""
    for batch in drawn:
        check_fresh(batch)


def _lose_some(drawn: Sequence[Batch]) -> None:
    for batch in drawn:
        drop(batch[:MISSING])

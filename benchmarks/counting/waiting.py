"""Writes buckets of the past straight into Redis, where they wait for the flush like counted ones."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.counting.catalogue import chunks
from caching.counters import CounterFamily
from caching.redis import client
from products.cache import product_views

# Hashes unlinked by one command.
_CHUNK = 20


def number_in_hour(hours_ago: int, place: int) -> int:
    """Return the number of a bucket, by its place within an hour of the past."""
    width = product_views.bucket_seconds
    return (int(time.time()) // 3600 - hours_ago) * (3600 // width) + place


def put(number: int, counts: Mapping[int, int]) -> None:
    """Write a bucket with these counts, in all shards."""
    for part in chunks([*counts.items()]):
        redis = client("state").pipeline(transaction=False)
        for id, count in part:
            redis.hset(key(product_views, product_views.shard(id), f"b:{number}"), str(id), str(count))
        for shard in {product_views.shard(id) for id, _ in part}:
            redis.zadd(key(product_views, shard, "buckets"), {str(number): number})
        redis.execute()


def copy(of: CounterFamily, templates: Sequence[int], numbers: Iterable[int]) -> None:
    """Write buckets as copies of those of another family, in turn."""
    for turn, number in enumerate(numbers):
        redis = client("state").pipeline(transaction=False)
        for shard in range(product_views.shards):
            source = key(of, shard, f"b:{templates[turn % len(templates)]}")
            redis.copy(source, key(product_views, shard, f"b:{number}"))
            redis.zadd(key(product_views, shard, "buckets"), {str(number): number})
        redis.execute()


def drop(family: CounterFamily, numbers: Sequence[int]) -> None:
    """Remove buckets from Redis, applied or not."""
    for start in range(0, len(numbers), _CHUNK):
        for shard in range(family.shards):
            family.delete(shard, numbers[start : start + _CHUNK])


def key(family: CounterFamily, shard: int, rest: str) -> str:
    """Return a key of a family."""
    return family.key(shard, rest)

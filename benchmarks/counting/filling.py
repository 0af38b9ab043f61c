"""A backlog made quickly: a few buckets are counted view by view, then copied until they span hours."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.counting import waiting
from benchmarks.counting.catalogue import chunks
from benchmarks.counting.draws import draw
from benchmarks.harness.room import room
from caching.counters import Backlog, CounterFamily, measure_backlog
from caching.redis import client
from products.cache import product_views

PER_SECOND = 10_000
_TEMPLATES = 3
# How long ago the backlog ends, so that nothing else was counted into its buckets.
_AGO_SECONDS = 3 * 3600
# Factor for live counts, index and ledger beside the copies themselves.
_SPARE = 1.2


@dataclass(frozen=True, slots=True)
class Filled:
    """A backlog: its buckets, the views in them, what `measure_backlog` found, the bytes by which Redis grew, and the
    bytes of one count in a bucket that was counted, not copied."""

    buckets: int
    views: int
    measured: Backlog
    grew: int
    field_bytes: float

    @property
    def seconds(self) -> int:
        return self.buckets * product_views.bucket_seconds

    @property
    def name(self) -> str:
        return f"backlog of {self.seconds:,} s at {PER_SECOND:,} views/s"


class Templates:
    """Buckets that were counted like any other, in a family that is never flushed."""

    def __init__(self, ids: Sequence[int]) -> None:
        self.numbers = range(1, _TEMPLATES + 1)
        self.family = self._at(0)
        self._ids = ids

    def count(self) -> None:
        """Count the views of one bucket's time into each."""
        for chunk in chunks(self._ids):
            self.family.seed(dict.fromkeys(chunk, 0), ())
        for number in self.numbers:
            # In chunks, not as one sum: Redis encodes a hash differently as it grows.
            for part in chunks(draw(self._ids, PER_SECOND * self.family.bucket_seconds, seed=number)):
                self._at(number).increment_many(Counter(part))

    def bytes(self) -> list[int]:
        """Return the bytes of each in Redis, with all fields sampled."""
        shards = range(self.family.shards)
        sizes = {number: [self._usage(shard, number) for shard in shards] for number in self.numbers}
        return [sum(sizes[number]) for number in self.numbers]

    def fields(self) -> int:
        """Return how many counts they hold in all."""
        return sum(sum(self.family.sizes(shard, self.numbers)) for shard in range(self.family.shards))

    def remove(self) -> None:
        """Remove all of them."""
        waiting.drop(self.family, self.numbers)
        self.family.forget(self._ids)

    def _at(self, number: int) -> CounterFamily:
        width = product_views.bucket_seconds
        return CounterFamily("template", product_views.shards, width, clock=lambda: number * width * 1000)

    def _usage(self, shard: int, number: int) -> int:
        used: int = client("state").memory_usage(waiting.key(self.family, shard, f"b:{number}"), samples=0)
        return used


@contextmanager
def filled(ids: Sequence[int], buckets: int) -> Iterator[Filled]:
    """Yield a backlog of that many buckets, and remove the rest of it at the end. Raises NoRoom."""
    templates = Templates(ids)
    last = (int(time.time()) - _AGO_SECONDS) // product_views.bucket_seconds
    numbers = range(last - buckets + 1, last + 1)
    try:
        templates.count()
        sizes = templates.bytes()
        with room(round(_SPARE * sum(sizes) / len(sizes) * buckets)):
            try:
                used = _used_memory()
                waiting.copy(templates.family, templates.numbers, numbers)
                grew = _used_memory() - used
                views = buckets * PER_SECOND * product_views.bucket_seconds
                yield Filled(buckets, views, measure_backlog(product_views), grew, sum(sizes) / templates.fields())
            finally:
                waiting.drop(product_views, numbers)
                # Live counts that were filled meanwhile include views that are gone now.
                product_views.forget(ids)
    finally:
        templates.remove()


def _used_memory() -> int:
    used: int = client("state").info("memory")["used_memory"]
    return used

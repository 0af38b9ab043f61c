"""A hundred products read by async code: `afetch_many` beside redis-py's async client, and Django's `aget_many`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from asgiref.sync import sync_to_async
from django.core.cache import caches
from django.db import connections

from benchmarks.harness.rows import Row
from benchmarks.reads import raw
from benchmarks.reads.compare import Comparison, Side
from benchmarks.reads.entries import TTL_SECONDS, uncounted
from benchmarks.reads.many import SIZE, Batch, batches, check_all
from caching import afetch_many
from products.cache import load_products

_FEW = 5


@dataclass(frozen=True, slots=True)
class AsyncSide(Side):
    """A side whose calls are awaited on a loop that runs for the whole turn."""

    runner: asyncio.Runner = field(kw_only=True)

    def times(self, items: Sequence[Any]) -> list[int]:
        return self.runner.run(self._times(items))

    async def _times(self, items: Sequence[Any]) -> list[int]:
        took = []
        for item in items:
            began = time.perf_counter_ns()
            await self.call(item)
            took.append(time.perf_counter_ns() - began)
        return took


def rows(ids: Sequence[int], rounds: int) -> list[Row]:
    """Measure on an event loop of its own."""
    few = batches(ids)[:_FEW]
    with asyncio.Runner() as runner:
        client = raw.async_client()
        keys = {batch: raw.keys(batch) for batch in few}
        ours = AsyncSide("afetch_many", lambda batch: afetch_many(uncounted, batch), check_all, runner=runner)
        mget = AsyncSide("async MGET", lambda batch: client.mget(keys[batch]), runner=runner)
        try:
            read = Comparison(f"{SIZE} hits, async", ours, mget, few, trips=1)
            return [read.time(rounds), read.round_trips(_aget_many(runner))]
        finally:
            runner.run(client.aclose())
            # Async code reads in a thread with a database connection of its own.
            runner.run(_close_connections())


def _aget_many(runner: asyncio.Runner) -> Side:
    cache = caches["conventional"]

    def store(drawn: Sequence[Batch]) -> None:
        for batch in drawn:
            cache.set_many(dict(load_products(batch).bodies), TTL_SECONDS)

    return AsyncSide("Django's aget_many", lambda batch: cache.aget_many(batch), store, runner=runner)


async def _close_connections() -> None:
    await sync_to_async(connections.close_all)()

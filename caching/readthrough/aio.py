"""Async versions of the reads: the same round trips, in the thread in which Django's ORM runs for async code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from asgiref.sync import sync_to_async

from caching.keys import Id
from caching.readthrough.batch import Batch, fetch_many
from caching.readthrough.fetch import Found, fetch
from caching.readthrough.invalidation import invalidate
from caching.readthrough.resource import Resource


async def afetch(resource: Resource, id: Id, amount: int = 0) -> Found:
    """Return one entry, read through, like `fetch`."""
    return await sync_to_async(fetch)(resource, id, amount)


async def afetch_many(resource: Resource, ids: Sequence[Id]) -> Batch:
    """Return many entries, like `fetch_many`: one switch to the thread and one MGET, whatever their number."""
    return await sync_to_async(fetch_many)(resource, ids)


async def ainvalidate(resource: Resource, ids: Iterable[Id]) -> None:
    """Forget entries once the transaction has committed, like `invalidate`."""
    await sync_to_async(invalidate)(resource, ids)

"""cashews, an asyncio library: callers in other threads submit their calls to its loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, ClassVar

from benchmarks.libraries.peer import CLEAR, COLD, STALE, Peer


class Cashews(Peer):
    """`@cache(ttl=...)`, with errors of Redis suppressed, as by default."""

    title = "cashews"
    options: ClassVar[dict[str, Any]] = {}

    def start(self) -> None:
        from cashews import Cache

        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._cache = Cache()
        timeout = self.place.timeout
        self._cache.setup(self.place.redis_url, socket_timeout=timeout, socket_connect_timeout=timeout)
        self._fetch = self.decorator()(self._load)

    def decorator(self) -> Callable[[Callable[[int], Awaitable[Any]]], Any]:
        """Return the decorator that caches a function."""
        return self._cache(ttl=3600, key="thing:{id}", **self.options)

    def read(self, id: int) -> int:
        return int(self._wait(self._fetch(id))["version"])

    def read_many(self, ids: Sequence[int]) -> dict[int, int]:
        return self._wait(self._read_many(ids))

    def write(self, id: int, version: int) -> None:
        self.loader.change(id, version)
        self._wait(self._cache.delete(f"thing:{id}"))

    def clear(self) -> None:
        self._wait(self._cache.clear())

    async def _load(self, id: int) -> Any:
        return await asyncio.to_thread(self.loader, id)

    async def _read_many(self, ids: Sequence[int]) -> dict[int, int]:
        found = await self._cache.get_many(*[f"thing:{id}" for id in ids])
        values = dict(zip(ids, found, strict=True))
        missing = {id: self.loader(id) for id, value in values.items() if value is None}
        if missing:
            await self._cache.set_many({f"thing:{id}": value for id, value in missing.items()}, expire=3600)
        return {id: int(value["version"]) for id, value in (values | missing).items()}

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class CashewsLocked(Cashews):
    """With its lock in Redis."""

    way = "lock=True"
    laws = frozenset({COLD})
    options: ClassVar[dict[str, Any]] = {"lock": True}


class CashewsEarly(Cashews):
    """`@cache.early(...)`, which refreshes in a task of the web process."""

    way = "early"
    laws = frozenset({STALE})

    def decorator(self) -> Callable[[Callable[[int], Awaitable[Any]]], Any]:
        return self._cache.early(ttl=3600, early_ttl=self.place.soft_ttl, key="thing:{id}")


class CashewsMatch(Cashews):
    """Its way to clear without touching foreign keys."""

    way = "delete_match"
    laws = frozenset({CLEAR})

    def clear(self) -> None:
        self._wait(self._cache.delete_match("thing:*"))

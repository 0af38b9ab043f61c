"""dogpile.cache with its Redis backend: `get_or_create`, `get_or_create_multi`, `delete`, `invalidate`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.libraries.peer import COLD, PLAIN, STALE, Peer


class Dogpile(Peer):
    """A region as its front page configures it."""

    title = "dogpile.cache"
    laws = PLAIN | {STALE}
    distributed_lock = False
    runner: Callable[[Any, str, Callable[[], Any], Any], None] | None = None

    def start(self) -> None:
        from dogpile.cache import make_region

        self._region = make_region(async_creation_runner=self.runner).configure(
            "dogpile.cache.redis",
            expiration_time=self.place.soft_ttl,
            arguments={
                "url": self.place.redis_url,
                "redis_expiration_time": 7200,
                "distributed_lock": self.distributed_lock,
                "thread_local_lock": not self.distributed_lock,
                "socket_timeout": self.place.timeout,
                "socket_connect_timeout": self.place.timeout,
            },
        )

    def read(self, id: int) -> int:
        return int(self._region.get_or_create(f"thing:{id}", lambda: self.loader(id))["version"])

    def read_many(self, ids: Sequence[int]) -> dict[int, int]:
        names = [f"thing:{id}" for id in ids]
        values = self._region.get_or_create_multi(names, self._load_many)
        return {id: int(value["version"]) for id, value in zip(ids, values, strict=True)}

    def write(self, id: int, version: int) -> None:
        self.loader.change(id, version)
        self._region.delete(f"thing:{id}")

    def clear(self) -> None:
        self._region.invalidate()

    def _load_many(self, *names: str) -> list[Any]:
        return [self.loader(int(name.partition(":")[2])) for name in names]


class DogpileLocked(Dogpile):
    """With a lock in Redis instead of one in each process."""

    way = "distributed_lock"
    laws = frozenset({COLD, STALE})
    distributed_lock = True


class DogpileRunner(DogpileLocked):
    """With the background thread of its documentation, so that no caller waits for a refresh."""

    way = "creation_runner"
    laws = frozenset({STALE})

    @staticmethod
    def runner(cache: Any, name: str, create: Callable[[], Any], mutex: Any) -> None:
        """Refresh in a thread."""

        def refresh() -> None:
            try:
                cache.set(name, create())
            finally:
                mutex.release()

        threading.Thread(target=refresh, daemon=True).start()

"""The interface of a peer: read, write and clear, each as its own documentation describes."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from benchmarks.libraries.loader import Loader

STALE_SET, COLD, STALE, FROZEN, POISON, CLEAR = "stale_set", "cold", "stale", "frozen", "poison", "clear"
# Laws for every cache; `stale` is for those that serve old values while they refresh them.
PLAIN = frozenset({STALE_SET, COLD, FROZEN, POISON, CLEAR})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a peer runs: its own Redis, a database with a table of things, and the parameters of the law.

    Times are in seconds. `soft_ttl` is when a value becomes old, `timeout` how long to wait for Redis; None stands for
    the project's default.
    """

    redis_url: str
    redis_pid: int
    database_url: str
    tally: str
    load_seconds: float = 0.0
    soft_ttl: float = 3600.0
    timeout: float | None = 60.0
    version: int = 1
    keys: int = 0

    def environment(self) -> dict[str, str]:
        """Return the environment variables from which another process reads this."""
        return {f"LAWS_{name}".upper(): str(getattr(self, name)) for name in self.__slots__}

    @classmethod
    def here(cls, environ: Mapping[str, str] = os.environ) -> Place:
        """Return the place that this process was started in."""
        timeout = environ["LAWS_TIMEOUT"]
        return cls(
            environ["LAWS_REDIS_URL"],
            int(environ["LAWS_REDIS_PID"]),
            environ["LAWS_DATABASE_URL"],
            environ["LAWS_TALLY"],
            float(environ["LAWS_LOAD_SECONDS"]),
            float(environ["LAWS_SOFT_TTL"]),
            None if timeout == "None" else float(timeout),
            int(environ["LAWS_VERSION"]),
            int(environ["LAWS_KEYS"]),
        )

    def loader(self) -> Loader:
        return Loader(Path(self.tally), self.load_seconds, self.version)


class Peer(ABC):
    """A cache under test. Using it in a way that is not its default is a subclass with its own `way`."""

    title: ClassVar[str]
    way: ClassVar[str] = ""
    laws: ClassVar[frozenset[str]] = PLAIN
    # Seconds that a read waits for a stopped Redis.
    timeout: ClassVar[float | None] = 1.0
    batches: ClassVar[bool] = True

    def __init__(self, place: Place) -> None:
        self.place = place
        self.loader = place.loader()

    @abstractmethod
    def start(self) -> None:
        """Import the peer and connect it."""

    @abstractmethod
    def read(self, id: int) -> int:
        """Return the version of a thing, from the cache or else from the loader, which fills it."""

    def read_many(self, ids: Sequence[int]) -> dict[int, int]:
        """Return versions by id, by the peer's own batch read."""
        raise NotImplementedError(f"{self.title} reads no batches")

    @abstractmethod
    def write(self, id: int, version: int) -> None:
        """Commit a new version, and invalidate its cached value."""

    def change(self, id: int, version: int) -> None:
        """Let the loader find a new version from now on, without notifying the cache."""
        self.loader.change(id, version)

    @abstractmethod
    def clear(self) -> None:
        """Empty this cache."""

"""A source whose truth is a dict, so that a test can change it and count the loads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from caching import source as sources
from caching.keys import Id
from caching.policy import Policy
from caching.source import Load, Source, register


class Truth:
    """Rows by id, every load of them, and a hook that runs in the middle of a load."""

    def __init__(self) -> None:
        self.rows: dict[Id, bytes] = {}
        self.loads: list[list[Id]] = []
        self.during_load: Callable[[], None] = lambda: None

    def load(self, ids: Sequence[Id]) -> Load:
        self.loads.append(list(ids))
        bodies = {id: self.rows[id] for id in ids if id in self.rows}
        self.during_load()
        return Load(bodies)


class FakeClock:
    """Milliseconds that pass only when told."""

    def __init__(self, now: int = 1_800_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += round(seconds * 1000)


@pytest.fixture
def truth() -> Truth:
    return Truth()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def things(truth: Truth, clock: FakeClock) -> Iterator[Source]:
    """A registered source of the namespace `things`: fresh for a minute, served stale for an hour."""
    policy = Policy("things", soft_ttl=60, hard_ttl=3600, negative_ttl=10, wait=0.05)
    yield register(Source(policy, truth.load, clock))
    sources._sources.pop("things")

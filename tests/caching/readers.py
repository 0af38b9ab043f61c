"""The interfaces of the read-through behind common methods: read the value of a number, invalidate it, or fill it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from asgiref.sync import async_to_sync, sync_to_async

from caching import afetch, afetch_many, ainvalidate, fetch, fetch_many, invalidate, stale_while_revalidate
from caching.clock import Clock
from caching.entries.policy import Policy
from caching.keys import Id
from caching.readthrough import warming
from caching.readthrough.loader import Load
from caching.readthrough.refresh import background_lease, refresh
from caching.readthrough.resource import Resource, registry


class Truth:
    """Values by number, every number that was loaded, and a hook that runs in the middle of a load."""

    def __init__(self) -> None:
        self.values: dict[int, Any] = {}
        self.loads: list[int] = []
        self.during_load: Any = lambda: None

    def value(self, number: int) -> Any:
        self.loads.append(number)
        found = self.values.get(number)
        self.during_load()
        return found

    def load(self, ids: Sequence[Id]) -> Load:
        values = {id: self.value(int(id)) for id in ids}
        return Load({id: orjson.dumps(value) for id, value in values.items() if value is not None})


class Fetch:
    """`fetch`, and what all interfaces have: the source, and the id of the entry of a number."""

    many = False

    def __init__(self, truth: Truth, clock: Clock) -> None:
        policy = Policy("things", soft_ttl=60, hard_ttl=3600, wait=0.05)
        self.source = registry.add(Resource(policy, truth.load, clock=clock))

    def id(self, number: int) -> Id:
        return number

    def read(self, number: int) -> Any:
        return _value(fetch(self.source, number).body)

    def invalidate(self, number: int) -> None:
        invalidate(self.source, [number])


class AFetch(Fetch):
    def read(self, number: int) -> Any:
        return _value(async_to_sync(afetch)(self.source, number).body)

    def invalidate(self, number: int) -> None:
        async_to_sync(ainvalidate)(self.source, [number])


class FetchMany(Fetch):
    many = True

    def read(self, number: int) -> Any:
        return self.read_many([number]).get(number)

    def read_many(self, numbers: Sequence[int]) -> dict[Id, Any]:
        return {id: _value(body) for id, body in fetch_many(self.source, numbers).bodies.items()}


class AFetchMany(FetchMany):
    def read_many(self, numbers: Sequence[int]) -> dict[Id, Any]:
        bodies = async_to_sync(afetch_many)(self.source, numbers).bodies
        return {id: _value(body) for id, body in bodies.items()}


class Decorated:
    """`stale_while_revalidate` of a function. Its None is a value; for a reader that is the same as no row."""

    many = False

    def __init__(self, truth: Truth, clock: Clock) -> None:
        self.function: Any = stale_while_revalidate("things", ttl=60, hard_ttl=3600)(self._function(truth))
        self.source = registry.get("things")
        self.source.store.clock = clock

    def _function(self, truth: Truth) -> Any:
        def things(number: int) -> Any:
            return truth.value(number)

        return things

    def id(self, number: int) -> Id:
        return f"[[{number}],{{}}]"

    def read(self, number: int) -> Any:
        return self.function(number)

    def invalidate(self, number: int) -> None:
        self.function.invalidate(number)

    def fill(self, number: int) -> None:
        self.function.refresh(number)


class AsyncDecorated(Decorated):
    def _function(self, truth: Truth) -> Any:
        async def things(number: int) -> Any:
            return await sync_to_async(truth.value)(number)

        return things

    def read(self, number: int) -> Any:
        return async_to_sync(self.function)(number)

    def invalidate(self, number: int) -> None:
        async_to_sync(self.function.invalidate)(number)

    def fill(self, number: int) -> None:
        async_to_sync(self.function.refresh)(number)


class Warmed(Fetch):
    """`warm_cache`, which fills like a reader does."""

    def fill(self, number: int) -> None:
        self.source.warm = lambda limit: [number]
        try:
            warming.warm_cache(["things"], limit=1, budget=60.0)
        finally:
            self.source.warm = None


class Refreshed(Fetch):
    """The refresh that a reader sends to a worker, under the lease that the reader took."""

    def fill(self, number: int) -> None:
        leases = background_lease(self.source, [number])
        generation = self.source.store.read([number]).generation
        refresh("things", list(leases.items()), generation)


FACES = [Fetch, AFetch, FetchMany, AFetchMany, Decorated, AsyncDecorated]
FILLERS = [Warmed, Refreshed, Decorated, AsyncDecorated]


def _value(body: bytes | None) -> Any:
    return None if body is None else orjson.loads(body)

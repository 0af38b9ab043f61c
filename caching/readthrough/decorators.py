"""`stale_while_revalidate`: caches the answers of a function, and serves an old one while a task computes it again."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, cast, overload

import orjson
from asgiref.sync import async_to_sync, sync_to_async

from caching.entries.policy import Policy
from caching.errors import StoreUnavailable
from caching.keys import Id
from caching.readthrough.fetch import fetch
from caching.readthrough.invalidation import invalidate
from caching.readthrough.load import load_and_fill
from caching.readthrough.loader import Load
from caching.readthrough.refresh import background_lease
from caching.readthrough.resource import Resource, registry

P = ParamSpec("P")
R = TypeVar("R")

# A call is part of its entry's id, which also travels to the worker; longer ones are refused.
_MAX_CALL_CHARS = 1024


class _Answers(Generic[P]):
    """The entries of a function's answers, by call."""

    def __init__(self, function: Callable[P, Any], policy: Policy) -> None:
        functools.update_wrapper(cast(Any, self), function)
        self._compute: Callable[..., Any] = function
        self._signature = inspect.signature(function)
        self._resource = registry.add(Resource(policy, self._load))

    def _id(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """Return the same id for the same call, however its arguments were passed."""
        call = self._signature.bind(*args, **kwargs)
        call.apply_defaults()
        return _call_id(call.args, call.kwargs)

    def _load(self, ids: Sequence[Id]) -> Load:
        bodies: dict[Id, bytes] = {}
        for id in ids:
            args, kwargs = json.loads(str(id))
            bodies[id] = orjson.dumps(self._compute(*args, **kwargs))
        return Load(bodies)

    def _fetch(self, id: str) -> Any:
        found = fetch(self._resource, id)
        if found.body is None:
            raise RuntimeError(f"{self._resource.policy.namespace}: the loader left out what it was asked for")
        return orjson.loads(found.body)

    def _refresh(self, id: str) -> Any:
        generation, leases = 0, background_lease(self._resource, [id])
        if leases:
            try:
                generation = self._resource.store.read([id]).generation
            except StoreUnavailable:
                leases.clear()
        return orjson.loads(load_and_fill(self._resource, [id], leases, generation).load.bodies[id])

    def _peek(self, id: str, default: Any) -> Any:
        try:
            entry = self._resource.store.read([id]).entries.get(id)
        except StoreUnavailable:
            return default
        return default if entry is None else orjson.loads(entry.body)


class Cached(_Answers[P], Generic[P, R]):
    """A function with its cache. Call it, or `invalidate`, `refresh` or `peek` at the answer to some arguments."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return cast(R, self._fetch(self._id(args, kwargs)))

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Forget the answer to these arguments, once the current transaction has committed."""
        invalidate(self._resource, [self._id(args, kwargs)])

    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Compute the answer to these arguments now and return it. It is stored unless another caller has the lease."""
        return cast(R, self._refresh(self._id(args, kwargs)))

    def peek(self, *args: P.args, **kwargs: P.kwargs) -> R | None:
        """Return the stored answer, fresh or stale, or None; compute nothing."""
        return cast("R | None", self._peek(self._id(args, kwargs), None))


class AsyncCached(_Answers[P], Generic[P, R]):
    """An async function with its cache: the same methods as `Cached`, to be awaited.

    Redis and PostgreSQL are read in the thread in which Django's ORM runs for async code, with one switch a call.
    """

    def __init__(self, function: Callable[P, Awaitable[R]], policy: Policy) -> None:
        super().__init__(function, policy)
        self._compute = async_to_sync(function)

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return cast(R, await sync_to_async(self._fetch)(self._id(args, kwargs)))

    async def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Forget the answer to these arguments, once the current transaction has committed."""
        await sync_to_async(invalidate)(self._resource, [self._id(args, kwargs)])

    async def refresh(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Compute the answer to these arguments now and return it. It is stored unless another caller has the lease."""
        return cast(R, await sync_to_async(self._refresh)(self._id(args, kwargs)))

    async def peek(self, *args: P.args, **kwargs: P.kwargs) -> R | None:
        """Return the stored answer, fresh or stale, or None; compute nothing."""
        return cast("R | None", await sync_to_async(self._peek)(self._id(args, kwargs), None))


class Decorator(Protocol):
    """What `stale_while_revalidate` returns: it keeps the parameters of the function it decorates."""

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[P, Coroutine[Any, Any, R]]
    ) -> AsyncCached[P, R]: ...

    @overload
    def __call__(self, function: Callable[P, R]) -> Cached[P, R]: ...


def stale_while_revalidate(
    key_prefix: str, ttl: float, *, hard_ttl: float | None = None, lease: float = 4.0
) -> Decorator:
    """Keep a function's answers: fresh for `ttl` seconds, then served stale while one Celery task refreshes them.

    The function may be async. Arguments and answers are JSON. After `hard_ttl` (default: 24 times `ttl`) an answer is
    computed again before it is given. `lease` is how many seconds the first computation may take for its answer to be
    stored; later ones may take twice the average so far, or more. The module of the function must be imported in the
    worker, which finds it by `key_prefix`. Raises ValueError for a prefix that is taken. A call raises TypeError for
    arguments that are not JSON, ValueError for NaN and for arguments too long for a key, and LoaderBackedOff right
    after the function has failed.
    """
    policy = Policy(key_prefix, soft_ttl=ttl, hard_ttl=hard_ttl if hard_ttl is not None else ttl * 24, lease=lease)

    def decorate(function: Callable[..., Any]) -> Any:
        return (AsyncCached if inspect.iscoroutinefunction(function) else Cached)(function, policy)

    return cast(Decorator, decorate)


def _call_id(args: Sequence[Any], kwargs: dict[str, Any]) -> str:
    # Not orjson: it writes NaN as null, which is another call.
    call = json.dumps([args, kwargs], sort_keys=True, allow_nan=False, separators=(",", ":"))
    if len(call) > _MAX_CALL_CHARS:
        raise ValueError(f"arguments of {len(call)} characters are too long for a key; at most {_MAX_CALL_CHARS}")
    return call

"""What users of the layer write: a function whose answers are kept, and refreshed while the old one is served."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable, Sequence
from typing import Any, Generic, ParamSpec, TypeVar

import orjson

from caching.fetch import fetch
from caching.invalidation import invalidate
from caching.keys import Id
from caching.policy import Policy
from caching.source import Load, Source, register

P = ParamSpec("P")
R = TypeVar("R")

# A call is part of its entry's id, which also travels to the worker; longer ones are refused.
_MAX_CALL_CHARS = 1024


class Cached(Generic[P, R]):
    """A function with its cache: call it, or `.invalidate` the answer to some arguments."""

    def __init__(self, function: Callable[P, R], policy: Policy) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._signature = inspect.signature(function)
        self._source = register(Source(policy, self._load))

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        found = fetch(self._source, self._id(args, kwargs))
        if found.body is None:
            raise RuntimeError(f"{self._source.policy.namespace}: the loader left out what it was asked for")
        value: R = orjson.loads(found.body)
        return value

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Forget the answer to these arguments, once the current transaction has committed."""
        invalidate(self._source, [self._id(args, kwargs)])

    def _id(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """Return the same id for the same call, however its arguments were passed."""
        call = self._signature.bind(*args, **kwargs)
        call.apply_defaults()
        return _call_id(call.args, call.kwargs)

    def _load(self, ids: Sequence[Id]) -> Load:
        bodies: dict[Id, bytes] = {}
        for id in ids:
            args, kwargs = json.loads(str(id))
            bodies[id] = orjson.dumps(self._function(*args, **kwargs))
        return Load(bodies)


def stale_while_revalidate(
    key_prefix: str, ttl: float, *, hard_ttl: float | None = None
) -> Callable[[Callable[P, R]], Cached[P, R]]:
    """Keep a function's answers: fresh for `ttl` seconds, then served stale while one Celery task refreshes them.

    Arguments and answers are JSON. After `hard_ttl` (default: 24 times `ttl`) an answer is computed again before
    it is given. The function must be importable by the worker: it is found by `key_prefix`.
    Raises ValueError for a prefix that is taken. A call raises TypeError for arguments that are not JSON, and
    ValueError for NaN and for arguments too long for a key.
    """
    policy = Policy(key_prefix, soft_ttl=ttl, hard_ttl=hard_ttl if hard_ttl is not None else ttl * 24)
    return lambda function: Cached(function, policy)


def _call_id(args: Sequence[Any], kwargs: dict[str, Any]) -> str:
    # Not orjson: it writes NaN as null, which is another call.
    call = json.dumps([args, kwargs], sort_keys=True, allow_nan=False, separators=(",", ":"))
    if len(call) > _MAX_CALL_CHARS:
        raise ValueError(f"arguments of {len(call)} characters are too long for a key; at most {_MAX_CALL_CHARS}")
    return call

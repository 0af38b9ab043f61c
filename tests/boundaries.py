"""The boundaries of a job: every call to Redis, every statement and every commit, at which something may happen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from caching.redis.connection_pool import Pool


class Killed(BaseException):
    """The process that ran the job died here."""


@contextmanager
def dying_at(step: int, after: bool) -> Iterator[None]:
    """Raise Killed at the `step`th boundary, before or after what happens there."""

    def die() -> None:
        raise Killed

    with _boundaries(_Trigger(step, die), after):
        yield


@contextmanager
def at_boundary(step: int, act: Callable[[], Any]) -> Iterator[None]:
    """Call `act` once, at the first boundary from the `step`th on that is outside a transaction."""
    with _boundaries(_Trigger(step, act, outside=True), after=False):
        yield


class _Trigger:
    """Counts boundaries and acts at one of them, once."""

    def __init__(self, step: int, act: Callable[[], Any], outside: bool = False) -> None:
        self._left = step
        self._act: Callable[[], Any] | None = act
        self._outside = outside

    def __call__(self) -> None:
        self._left -= 1
        if self._left > 0 or self._act is None or (self._outside and connection.in_atomic_block):
            return
        act, self._act = self._act, None
        act()


@contextmanager
def _boundaries(trigger: _Trigger, after: bool) -> Iterator[None]:
    def watched(call: Callable[..., Any]) -> Callable[..., Any]:
        def watching(*args: Any, **kwargs: Any) -> Any:
            if not after:
                trigger()
            result = call(*args, **kwargs)
            if after:
                trigger()
            return result

        return watching

    def statement(execute: Callable[..., Any], *args: Any) -> Any:
        return watched(execute)(*args)

    with pytest.MonkeyPatch.context() as patch, connection.execute_wrapper(statement):
        for owner, name in (
            (Pool, "_exchange"),
            (redis.client.Pipeline, "execute"),
            (redis.Redis, "execute_command"),
            (BaseDatabaseWrapper, "_commit"),
        ):
            patch.setattr(owner, name, watched(getattr(owner, name)))
        yield

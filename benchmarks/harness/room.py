"""Raises the memory limit of the throw-away Redis for a backlog that needs more."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis, ResponseError

from caching.redis import client

_SETTLE_SECONDS = 30.0
_MB = 1024 * 1024


class NoRoom(Exception):
    """Redis may not use as much memory as is needed, and is not the run's own server."""


@contextmanager
def room(needed: int) -> Iterator[None]:
    """Let Redis use that many bytes more while the block runs, if it is the run's own server. Raises NoRoom."""
    redis = client("state")
    memory = redis.info("memory")
    limit, wanted = memory["maxmemory"], memory["used_memory"] + needed
    if not limit or wanted <= limit:
        yield
        return
    if not is_own(redis):
        raise NoRoom(f"Redis would need {wanted // _MB:,} MB and may use {limit // _MB:,}: raise its maxmemory")
    redis.config_set("maxmemory", wanted)
    try:
        yield
    finally:
        _await_fit(redis, limit)
        redis.config_set("maxmemory", limit)


def is_own(redis: Redis) -> bool:
    """Return whether the server's data lies in the run's own temporary directory."""
    try:
        directory = redis.config_get("dir")["dir"]
    except ResponseError:
        return False
    return "LOCAL_DIR" in os.environ and Path(directory) == Path(os.environ["LOCAL_DIR"]) / "redis"


def _await_fit(redis: Redis, limit: int) -> None:
    """Wait until unlinked memory is freed; otherwise the lower limit would evict cached entries."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while redis.info("memory")["used_memory"] > limit and time.monotonic() < deadline:
        time.sleep(0.1)

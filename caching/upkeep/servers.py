"""Facts about the servers, read when a process starts: one round trip and one timeout for each server."""

from __future__ import annotations

import re
import time
from typing import Any, NamedTuple

import psycopg
from django.db import connection

from caching.redis.connections import Role, client

_CONNECT_SECONDS = 2


class RedisFacts(NamedTuple):
    """Facts about one Redis. What it does not report is None: hosts may forbid CONFIG or leave INFO incomplete.

    `run_id` names the process, `limit` is its memory limit in bytes (0: none), `persistent` says whether it writes to
    disk, and `ahead` is how many seconds its clock is ahead of this machine's (below 0: behind), less the time that
    the round trip took.
    """

    role: Role
    run_id: str | None
    version: tuple[int, int] | None
    policy: str | None
    limit: int
    persistent: bool | None
    ahead: float


def ask_redis(role: Role) -> RedisFacts:
    """Return the facts of a role's Redis in one round trip. Raises `REDIS_ERRORS`."""
    pipeline = client(role).pipeline(transaction=False)
    pipeline.info().time().config_get("maxmemory-policy").config_get("save")
    before = time.time()
    info, clock, policy, save = pipeline.execute(raise_on_error=False)
    after = time.time()
    for essential in (info, clock):
        if isinstance(essential, Exception):
            raise essential
    return RedisFacts(
        role,
        info.get("run_id"),
        _version(str(info.get("redis_version"))),
        info.get("maxmemory_policy") or _setting(policy, "maxmemory-policy"),
        int(info.get("maxmemory", 0)),
        _persistent(info.get("aof_enabled"), _setting(save, "save")),
        _ahead(clock[0] + clock[1] / 1_000_000, before, after),
    )


def ask_postgres() -> float:
    """Return how many seconds PostgreSQL's clock is ahead of this machine's. Raises psycopg.Error."""
    # A connection of its own: one of the pool's would be inherited by the processes that a worker forks.
    params = connection.get_connection_params() | {"connect_timeout": _CONNECT_SECONDS, "autocommit": True}
    with psycopg.connect(**params) as session:
        before = time.time()
        row = session.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
        return _ahead(row[0], before, time.time()) if row else 0.0


def _ahead(there: float, before: float, after: float) -> float:
    """Return how many seconds a remote clock is off, which was read between the local times `before` and `after`."""
    return there - min(max(there, before), after)


def _version(text: str) -> tuple[int, int] | None:
    match = re.match(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None


def _setting(answer: Any, name: str) -> str | None:
    return answer.get(name) if isinstance(answer, dict) else None


def _persistent(aof: int | None, save: str | None) -> bool | None:
    if aof:
        return True
    # Without CONFIG it is unknown whether there are snapshots.
    return None if aof is None or save is None else bool(save)

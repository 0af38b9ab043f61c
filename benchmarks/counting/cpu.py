"""CPU time of the servers: what Redis says of itself, and what /proc says of PostgreSQL."""

from __future__ import annotations

import os
from pathlib import Path

from django.db import connection

from caching.redis.connections import client

_TICKS = os.sysconf("SC_CLK_TCK")


def redis_seconds() -> float:
    """Return the CPU time that Redis has used."""
    used = client("state").info("cpu")
    return float(used["used_cpu_user"] + used["used_cpu_sys"])


def postgres_seconds() -> float | None:
    """Return the CPU time that PostgreSQL has used in all of its processes, of those that have ended too; None if it
    does not run on this machine."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    mine = _stat(backend)
    if mine is None or not mine[0].startswith("postgres"):
        return None
    postmaster = int(mine[1][1])
    return sum(_ticks(pid, postmaster) for pid in _pids()) / _TICKS


def _ticks(pid: int, postmaster: int) -> int:
    found = _stat(pid)
    if found is None:
        return 0
    of = found[1]
    # The postmaster has those of its children that have ended in its own numbers.
    return sum(map(int, of[11:15])) if pid == postmaster else sum(map(int, of[11:13])) * (int(of[1]) == postmaster)


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _stat(pid: int) -> tuple[str, list[str]] | None:
    """Return the name of a process's program, which may hold anything, and the fields of its stat after it."""
    try:
        before, _, after = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    except OSError:
        return None
    return before.partition("(")[2], after.split()

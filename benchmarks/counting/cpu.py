"""CPU time of the servers: of Redis by INFO, of PostgreSQL by /proc."""

from __future__ import annotations

import os
from pathlib import Path

from django.db import connection

from caching.redis import client

_TICKS = os.sysconf("SC_CLK_TCK")


def redis_seconds() -> float:
    """Return the CPU time that Redis has used."""
    used = client("state").info("cpu")
    return float(used["used_cpu_user"] + used["used_cpu_sys"])


def postgres_seconds() -> float | None:
    """Return the CPU time of all processes of PostgreSQL, ended ones included; None if it does not run on this
    machine."""
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
    # The numbers of the postmaster include its ended children.
    return sum(map(int, of[11:15])) if pid == postmaster else sum(map(int, of[11:13])) * (int(of[1]) == postmaster)


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _stat(pid: int) -> tuple[str, list[str]] | None:
    """Return the name of the program of a process, and the fields that follow it in /proc/PID/stat."""
    try:
        before, _, after = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    except OSError:
        return None
    return before.partition("(")[2], after.split()

